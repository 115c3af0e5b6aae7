"""Mailboxes: threads put together, queries paired with replies, hostile messages set aside."""

from email.message import EmailMessage

import pytest

from tailor.data.readers import Limits, Options, read_file, stream_file
from tailor.data.readers.found import collect


def mail(number, sender, subject, text, day=1, answers=(), html=False):
    message = EmailMessage()
    message["Message-ID"] = f"<{number}@x.example>"
    message["From"] = sender
    message["Date"] = f"{day:02} Mar 2026 10:00:00 +0100"
    message["Subject"] = subject
    if answers:
        message["In-Reply-To"] = f"<{answers[-1]}@x.example>"
        message["References"] = " ".join(f"<{one}@x.example>" for one in answers)
    message.set_content(text, subtype="html" if html else "plain")
    return message


def write(path, *messages):
    path.write_bytes(
        b"".join(
            b"From x@y Mon Mar  2 10:00:00 2026\n" + message.as_bytes() + b"\n\n" for message in messages
        )
    )
    return path


CUSTOMER, OTHER, AGENT, SECOND = "ann@mail.example", "bob@post.example", "a@bank.example", "b@bank.example"
BOX = (
    mail(1, CUSTOMER, "Card lost", "My card is gone.", 1),
    mail(2, OTHER, "Fees?", "<p>What does it <b>cost</b>?</p><script>no()</script>", 2, html=True),
    mail(3, AGENT, "Re: Card lost", "We block it.", 3, (1,)),
    mail(4, CUSTOMER, "Re: Card lost", "Thanks, and a new one?", 4, (1, 3)),
    mail(5, SECOND, "AW: Fees?", "Nothing.", 5),
    mail(6, AGENT, "Re: Card lost", "It is on its way.", 6, (1, 3, 4)),
    mail(7, OTHER, "Other question", "Are you open on Sunday?", 7),
)


def test_queries_meet_their_replies(tmp_path):
    found = read_file(write(tmp_path / "a.mbox", *BOX), Limits())
    place = {name: at for at, name in enumerate(found.columns)}
    pairs = [(row[place["message"]], row[place["reply"]]) for row in found.rows]
    assert pairs == [
        ("My card is gone.", "We block it."),
        ("What does it cost?", "Nothing."),
        ("Thanks, and a new one?", "It is on its way."),
        ("Are you open on Sunday?", None),
    ]
    threads = [row[place["thread"]] for row in found.rows]
    assert threads == ["<1@x.example>", "<2@x.example>", "<1@x.example>", "<7@x.example>"]
    assert found.rows[0][place["created_at"]] == "2026-03-01T09:00:00+00:00"
    assert found.notes == [
        "'bank.example' answers most often (3 of 3 replies), so its messages are the replies "
        "(02_gather_data.own_addresses says otherwise)"
    ]


def test_who_answers_may_be_said(tmp_path):
    path = write(tmp_path / "a.mbox", *BOX)
    found = collect(stream_file(path, Limits(), Options(own_addresses=("mail.example",))))
    place = {name: at for at, name in enumerate(found.columns)}
    assert ("We block it.", "Thanks, and a new one?") in {
        (row[place["message"]], row[place["reply"]]) for row in found.rows
    }
    found = collect(stream_file(path, Limits(), Options(own_addresses=("nobody.example",))))
    assert found.notes == ["no message comes from nobody.example (02_gather_data.own_addresses)"]


def test_each_message_a_row(tmp_path):
    found = collect(stream_file(write(tmp_path / "a.mbox", *BOX), Limits(), Options(mail="messages")))
    assert len(found.rows) == 7
    assert found.columns == [
        *("thread", "message_id", "created_at", "customer", "subject", "message", "attachments")
    ]


def test_attachments_are_listed_and_not_opened(tmp_path):
    message = mail(1, CUSTOMER, "Form", "See the form.")
    message.add_attachment(b"PK\x03\x04", maintype="application", subtype="zip", filename="../../form.zip")
    (tmp_path / "a.eml").write_bytes(message.as_bytes())
    found = read_file(tmp_path / "a.eml", Limits())
    assert found.rows[0][-1] == "../../form.zip (application/zip)"
    assert [path.name for path in tmp_path.iterdir()] == ["a.eml"]
    assert not (tmp_path.parent.parent / "form.zip").exists()


@pytest.mark.parametrize("parts", [1_000, 100_000])
def test_a_thousand_parts(tmp_path, parts):
    body = "--b\nContent-Type: text/plain\n\nx\n" * parts
    head = f"From: {CUSTOMER}\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"
    (tmp_path / "a.eml").write_text(f"{head}{body}--b--\n", "utf-8")
    (bad,) = read_file(tmp_path / "a.eml", Limits()).unreadable
    wanted = {
        1_000: "has 1,001 parts, over the limit of 200",
        100_000: "has far more parts than the limit of 200",
    }
    assert (bad.line, bad.reason) == (1, wanted[parts])
    assert bad.text.startswith(f"From: {CUSTOMER}")


def test_deep_nesting_leaves_the_process_alive(tmp_path):
    head = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(2_000))
    (tmp_path / "a.eml").write_text(f"From: {CUSTOMER}\n{head}\nx", "utf-8")
    (bad,) = read_file(tmp_path / "a.eml", Limits()).unreadable
    assert bad.reason in ("is nested too deep", "has 2,001 parts, over the limit of 200")


def test_letters_of_old_programs(tmp_path):
    """Written as they stood, without a word on the encoding, or with one that nobody knows."""
    head = b"From: J\xf6rg <j@x.example>\nSubject: caf\xe9\n"
    unknown = b"Content-Type: text/plain; charset=x-unknown\n"
    for name, data in (
        ("a.eml", head + b"\nb\xe9 5 \x80\n"),
        ("b.eml", head + unknown + b"\nb\xe9 5 \x80\n"),
    ):
        (tmp_path / name).write_bytes(data)
        found = read_file(tmp_path / name, Limits())
        assert [(row[3], row[4]) for row in found.rows] == [("café", "bé 5 €")]


def test_a_mailbox_without_an_ending(tmp_path):
    named, bare = write(tmp_path / "a.mbox", *BOX), write(tmp_path / "Inbox", *BOX)
    assert read_file(bare, Limits()).rows == read_file(named, Limits()).rows
