"""The four questions about a source: what is measured, and what follows from it."""

import pytest

from tailor.data.gather import ROWS, Choices, gather
from tailor.data.landscape import Base, _similarities, compare_with_use_case, describe_use_case, measure_all
from tailor.data.questions import ask
from tailor.data.readers import Limits
from tailor.progress import Log
from tailor.records import Term, UseCase

UNKNOWN = Base()
ENGLISH = "please tell me how long it takes until the new card is sent to me, order {}"
GERMAN = "bitte sagen Sie mir wie lange es dauert bis die neue Karte bei mir ist, Auftrag {}"
CASE = UseCase(
    title="Bank",
    task="respond",
    description="Answer customers of a bank who ask about a new card and how long it takes.",
    glossary=[
        Term(term="card", definition="A debit card.", variants=["Karte"]),
        Term(term="IBAN", definition="A number."),
    ],
)


@pytest.fixture
def gathered(tmp_path):
    """Gathers files given by name and text, and measures them."""

    def call(task="respond", base=UNKNOWN, **files):
        for name, text in files.items():
            (tmp_path / f"{name}.csv").write_text(text, "utf-8")
        sources, _ = gather(
            [f"{name}.csv" for name in files],
            lambda p: tmp_path / p,
            tmp_path / "raw",
            Choices(limits=Limits()),
            Log(),
        )
        facts = measure_all(sources, tmp_path / "raw" / ROWS, base, Log())
        compare_with_use_case(facts, CASE)
        ask(sources, facts, task, base)
        return sources

    return call


def csv(template, rows, answer="it takes five working days, and we write to you when it is done", start=0):
    lines = [f'2026-03-{1 + n % 28:02},"{template.format(n)}","{answer}"' for n in range(start, start + rows)]
    return "sent_at,message,reply\n" + "\n".join(lines) + "\n"


def test_enough_rows(gathered):
    few, some, many = gathered(few=csv(ENGLISH, 20), some=csv(ENGLISH, 60), many=csv(ENGLISH, 1_000))
    assert [source.checks["enough"].verdict for source in (few, some, many)] == ["warning", "note", "good"]
    assert few.checks["enough"].says == (
        "20 rows, fewer than 50 (OpenAI's fine-tuning guide sees gains from 50 to 100 on): "
        "examples in the prompt may serve better than tuning"
    )
    assert many.checks["enough"].says == "1,000 rows; LIMA tuned on 1,000 chosen pairs, Zhou et al. 2023"
    assert many.checks["enough"].values == {"rows": 1_000.0, "tokens": float(many.tokens)}


def test_enough_rows_of_each_label(gathered):
    rows = "".join(f'"{ENGLISH.format(n)}",{"lost" if n % 5 else "fee"}\n' for n in range(100))
    (source,) = gathered("classify", a="message,label\n" + rows)
    assert source.checks["enough"].verdict == "note"
    assert source.checks["enough"].says.startswith("100 rows, 2 labels, the rarest with 20 (")
    assert source.checks["enough"].values["fewest_per_label"] == 20


def test_relevant_by_glossary_and_words(gathered):
    near, far = gathered(
        near=csv(ENGLISH, 60),
        far="message\n" + "".join(f"the opera begins at {n} o'clock tonight\n" for n in range(60)),
    )
    assert near.checks["relevant"].values["glossary_terms"] == 0.5
    assert far.checks["relevant"].values["glossary_terms"] == 0.0
    similar, other = (source.checks["relevant"].values["similarity"] for source in (near, far))
    assert similar > 2 * other
    assert (near.checks["relevant"].verdict, far.checks["relevant"].verdict) == ("good", "warning")
    assert near.checks["relevant"].says.startswith(
        "50% of the glossary's terms occur; similarity to the use case's"
    )


def test_good_counts_broken_duplicate_and_incomplete_rows(gathered):
    text = (
        csv(ENGLISH, 90)
        + f'2026-03-01,"{ENGLISH.format(0).upper()}  ","x"\n'
        + "2026-03-02,,y\n" * 4
        + "a,b\n" * 5
    )
    (source,) = gathered(
        a=text.replace('"x"', '"IT TAKES five working days, and we write to you when it is done"')
    )
    assert source.checks["good"].values == {
        "broken": 0.05,
        "duplicate": round(4 / 95, 6),
        "incomplete": round(4 / 95, 6),
    }
    assert source.checks["good"].says == "5.0% broken, 4.2% duplicate, 4.2% incomplete"


def test_compatible_by_length_and_language(gathered):
    base = Base(context=40)
    first, second = gathered(
        base=base, first=csv(ENGLISH, 60), second=csv(GERMAN, 50, "nein, das ist nicht so, und wir sagen es")
    )
    assert first.languages["en"] == 1.0
    assert second.languages["de"] > 0.9
    assert second.checks["compatible"].verdict == "warning"
    assert second.checks["compatible"].says.endswith("most text of all sources is in 'en'")
    (numbers,) = gathered(n="a,b\n1,2\n3,4\n")
    assert (numbers.checks["compatible"].verdict, numbers.checks["compatible"].says) == (
        "bad",
        "no column holds running text",
    )


def test_long_rows_are_told(gathered):
    (source,) = gathered(base=Base(context=20), a=csv(ENGLISH, 60))
    assert source.checks["compatible"].values["too_long"] == 1.0
    assert "100.0% of rows are longer than the 20 tokens the model reads" in source.checks["compatible"].says


def test_period_and_amount(gathered):
    (source,) = gathered(a=csv(ENGLISH, 60))
    assert source.period == ["2026-03-01", "2026-03-28"]
    assert source.characters == sum(len(ENGLISH.format(n)) + len(csv("", 1).split('"')[3]) for n in range(60))
    assert source.tokens == pytest.approx(source.characters / 4, rel=0.02)


def test_days_far_from_all_others_are_told(gathered):
    (source,) = gathered(a=csv(ENGLISH, 300) + f'1970-01-01,"{ENGLISH}","x"\n' * 2)
    assert source.period == ["2026-03-01", "2026-03-28"]
    assert source.notes == [
        "column 'sent_at' has 2 dates far from all others, such as 1970-01-01; they are kept as they are"
    ]


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("45291", "numbers such as 45291, which are a spreadsheet's dates: 45291 is 2023-12-31"),
        (
            "1700000000",
            "numbers such as 1700000000, which are seconds or milliseconds since 1970: 1700000000 is 2023-11-14",
        ),
    ],
)
def test_dates_as_numbers_are_told(gathered, cell, said):
    (source,) = gathered(a="created_at,message\n" + f'{cell},"{ENGLISH}"\n' * 20)
    assert source.notes == [f"column 'created_at' holds {said}; they are kept as they are"]


def test_formulas_are_told(gathered):
    (source,) = gathered(a="message,n\n=cmd|' /C calc'!A0,-5\n@SUM(A1),+49 170\nfine,-1.5\n")
    assert source.notes == [
        "2 rows have a cell that a spreadsheet would run as a formula (it begins with =, @, + or -); "
        "here it is text, and exported tables have an apostrophe before it"
    ]


def test_similarity_is_scikit_learns():
    from sklearn.feature_extraction.text import TfidfVectorizer

    sources = [["the card the fee", "a new card"], ["opera tonight at nine", ""], []]
    wanted = "Where is my new card, and what is the fee?"
    vectorizer = TfidfVectorizer(sublinear_tf=True).fit([*sources[0], *sources[1], wanted])
    target = vectorizer.transform([wanted]).toarray()[0]
    for source, found in zip(sources[:2], _similarities(sources, wanted), strict=False):
        mean = vectorizer.transform(source).toarray().mean(axis=0)
        assert found == pytest.approx(mean @ target / (mean @ mean) ** 0.5, abs=1e-4)
    assert _similarities(sources, wanted)[2] is None
    assert _similarities([["", "?"]], "") == [None]


def test_what_the_use_case_says_about_itself():
    assert "A debit card." in describe_use_case(CASE)
