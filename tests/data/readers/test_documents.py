"""Text, Markdown, web pages, PDF and Word: what becomes a row, and what is set aside with which words."""

import pytest

from tailor.data.readers import Limits, Options, read_file, stream_file
from tailor.data.readers.documents import stream_documents
from tailor.data.readers.found import collect
from tailor.errors import WorkbenchError

MARKDOWN = "intro\n\n# One\ntext\n\nmore\n```\n# no heading\n```\n## Two ##\nlast\n"


def rows(path, passages="section"):
    found = collect(stream_file(path, Limits(), Options(passages=passages)))
    return [(line, *row[2:]) for line, row in zip(found.lines, found.rows, strict=True)]


def test_markdown_by_section_paragraph_and_file(tmp_path):
    path = tmp_path / "guide.md"
    path.write_text(MARKDOWN, "utf-8")
    assert rows(path) == [
        (1, "", "intro"),
        (3, "One", "text\n\nmore\n```\n# no heading\n```"),
        (10, "Two", "last"),
    ]
    assert [(line, text) for line, _, text in rows(path, "paragraph")] == [
        (1, "intro"),
        (4, "text"),
        (6, "more\n```\n# no heading\n```"),
        (11, "last"),
    ]
    assert [line for line, *_ in rows(path, "file")] == [1]
    assert read_file(path, Limits()).rows[0][:2] == ["guide.md", "One"]


def test_plain_text_in_another_encoding(tmp_path):
    (tmp_path / "a.txt").write_bytes("Grüße für Zoë\n\nnoch einer".encode("cp1252"))
    found = read_file(tmp_path / "a.txt", Limits())
    assert (found.encoding, found.rows[0][3]) == ("latin-1", "Grüße für Zoë\n\nnoch einer")


def test_a_web_page_is_read_and_never_rendered(tmp_path):
    path = tmp_path / "page.html"
    path.write_text(
        "<html><head><title>Fees</title><style>p{}</style></head><body>intro <b>bold</b>"
        "<script>alert('no')</script><img src=x onerror=alert(1)><h2>Cards &amp; more</h2><p>One\n two</p>"
        "<table><tr><th>card</th><th>fee</th></tr><tr><td>gold</td><td>5</td></tr></table><iframe>no</iframe>",
        "utf-8",
    )
    assert rows(path) == [
        (1, "", "intro bold"),
        (2, "Cards & more", "One two\ncard | fee\ngold | 5"),
    ]
    path.write_text("<div>" * 5_000 + "deep", "utf-8")
    with pytest.raises(WorkbenchError, match=r"page\.html has tags nested more than 1,000 deep"):
        read_file(path, Limits())


def test_a_page_says_its_encoding(tmp_path):
    path = tmp_path / "page.html"
    path.write_bytes('<meta charset="iso-8859-7"><p>Καλημέρα'.encode("iso-8859-7"))
    assert rows(path) == [(1, "", "Καλημέρα")]


@pytest.fixture
def pdf():
    """Makes a PDF with a page for each text; "" gives a page without any."""

    def make(path, *texts):
        from matplotlib.backends.backend_pdf import PdfPages
        from matplotlib.figure import Figure

        with PdfPages(path) as pages:
            for text in texts:
                figure = Figure()
                figure.text(0.1, 0.5, text)
                pages.savefig(figure)
        return path

    return make


def test_a_pdf_by_page(tmp_path, pdf):
    found = read_file(pdf(tmp_path / "a.pdf", "hello there", "", "page three"), Limits())
    assert [(line, row[3]) for line, row in zip(found.lines, found.rows, strict=True)] == [
        (1, "hello there"),
        (3, "page three"),
    ]
    assert [(bad.line, bad.reason) for bad in found.unreadable] == [
        (2, "this page has no text; it may be a picture")
    ]


def test_a_pdf_with_no_text(tmp_path, pdf):
    found = read_file(pdf(tmp_path / "a.pdf", "", ""), Limits())
    assert found.rows == []
    assert found.unreadable[0].reason == (
        "none of its pages (2) has text: they are pictures, probably scanned; a program for text recognition (OCR) "
        "makes a PDF with text from it"
    )


@pytest.mark.parametrize(("name", "kind"), [("a.pdf", "PDF"), ("a.docx", "Word")])
def test_what_only_looks_like_a_document(tmp_path, name, kind):
    (tmp_path / name).write_bytes(b"%PDF-1.4 no more")
    with pytest.raises(WorkbenchError, match=rf"{name} cannot be read as {kind} \("):
        read_file(tmp_path / name, Limits())


def test_a_page_that_cannot_be_read_leaves_the_others(tmp_path, pdf):
    from pypdf import PdfReader, PdfWriter
    from pypdf.generic import NameObject

    writer = PdfWriter(clone_from=PdfReader(pdf(tmp_path / "a.pdf", "hello there", "two", "page three")))
    writer.pages[1]["/Contents"].get_object()[NameObject("/Filter")] = NameObject("/NoSuchFilter")
    writer.write(tmp_path / "b.pdf")
    found = read_file(tmp_path / "b.pdf", Limits())
    assert [row[3] for row in found.rows] == ["hello there", "page three"]
    assert [(bad.line, bad.reason) for bad in found.unreadable] == [
        (2, "this page cannot be read (Unsupported filter /NoSuchFilter)")
    ]


def test_notes_on_many_documents_are_told_once(tmp_path):
    files = []
    for place in range(15):
        (tmp_path / f"{place}.txt").write_bytes("Zoë".encode("latin-1"))
        files.append((tmp_path / f"{place}.txt", f"{place}.txt"))
    (note,) = collect(stream_documents(files, Limits(), Options())).notes
    assert note.startswith(
        "0.txt, 1.txt, 2.txt, 3.txt, 4.txt, 5.txt, 6.txt, 7.txt, 8.txt, 9.txt, 10.txt, 11.txt and 3 more: "
    )


def test_a_locked_pdf(tmp_path, pdf):
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(pdf(tmp_path / "open.pdf", "secret")))
    writer.encrypt("word", algorithm="RC4-128")
    writer.write(tmp_path / "a.pdf")
    with pytest.raises(WorkbenchError) as caught:
        read_file(tmp_path / "a.pdf", Limits())
    assert str(caught.value) == (
        "Found: a.pdf is locked with a password\nNeeded: a PDF that opens without one\nDo: save it without"
    )


def test_word(tmp_path):
    import docx

    document = docx.Document()
    document.add_paragraph("Before all.")
    document.add_heading("Fees", 1)
    document.add_paragraph("They are low.")
    table = document.add_table(2, 2)
    for place, text in enumerate(("card", "fee", "=cmd|x", "5")):
        table.cell(place // 2, place % 2).text = text
    document.save(tmp_path / "a.docx")
    assert rows(tmp_path / "a.docx") == [
        (1, "", "Before all."),
        (2, "Fees", "They are low.\n\ncard | fee\n=cmd|x | 5"),
    ]
    with pytest.raises(WorkbenchError, match=r"a\.docx holds .* bytes"):
        read_file(tmp_path / "a.docx", Limits(bytes=1_000))
