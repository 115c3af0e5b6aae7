"""Glossary, guidelines and tone sheets, as people write them."""

import pytest

from tailor.data.house_rules import compose_system_prompt, read_glossary, read_guidelines, read_tone
from tailor.errors import WorkbenchError
from tailor.project import source_home
from tailor.records import Guideline, Term, Tone, TonePair

DEMO = source_home() / "data" / "demos" / "bank_support"


def write(folder, name, text, encoding="utf-8"):
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def test_the_demos_own_files_are_read_whole():
    tone, habits = read_tone(DEMO / "tone.yaml")
    assert "warm" in tone.adjectives
    assert len(tone.pairs) == 8
    assert [habit.id for habit in habits] == ["tone_person", "tone_sentence_words", "tone_numbers"]
    rules = read_guidelines(DEMO / "guidelines.yaml")
    assert rules[0].id == "no_secrets"
    assert rules[-1].text == "Length: sentences 3 to 8; characters at most 700."
    terms = read_glossary(DEMO / "glossary.csv")
    assert Term(term="ARN", definition=terms[1].definition, variants=["refund reference (ARN)"]) in terms


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("g.csv", "Term,Meaning,variants\nAPR,yearly rate,annual rate;rate\n"),
        ("g.csv", "term;definition;say_it_like_this\nAPR;yearly rate;annual rate|rate\n"),
        ("g.yaml", "- {term: APR, definition: yearly rate, variants: [annual rate, rate]}"),
        ("g.yml", "terms:\n- {term: APR, definition: yearly rate, variants: annual rate; rate}"),
    ],
)
def test_glossary_forms(tmp_path, name, text):
    assert read_glossary(write(tmp_path, name, text)) == [
        Term(term="APR", definition="yearly rate", variants=["annual rate", "rate"])
    ]


def test_glossary_as_plain_pairs_in_another_encoding(tmp_path):
    path = write(tmp_path, "g.yaml", "Überweisung: Geld, das bezahlt wird\n", "utf-16")
    assert read_glossary(path) == [Term(term="Überweisung", definition="Geld, das bezahlt wird")]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "g.csv",
            "term,definitions\na,b\n",
            "Found: g.csv has the columns term, definitions\nNeeded: the columns term and definition, and perhaps "
            "variants\nDo: name a column 'definition'. Did you mean 'definitions'?",
        ),
        (
            "g.csv",
            "term,definition\na,b\nc,\n",
            "Found: g.csv, line 3, has no definition\nNeeded: a term and its definition\nDo: fill it in",
        ),
        (
            "g.yaml",
            "- {term: a, definition: b}\n- {term: A, definition: c}",
            "Found: g.yaml, entry 2, has 'A' again\nNeeded: each term once\nDo: keep one of them",
        ),
        (
            "g.yaml",
            "just text",
            "Found: g.yaml holds text\nNeeded: a list, each entry with '- '\nDo: write it as a list",
        ),
        (
            "g.yaml",
            "a: [\n",
            "Found: g.yaml is not valid YAML in line 2\nNeeded: YAML: lists with '- ', text with ': ' in quotes\n"
            "Do: mend that line",
        ),
    ],
)
def test_glossary_that_cannot_be_read(tmp_path, name, text, message):
    with pytest.raises(WorkbenchError) as error:
        read_glossary(write(tmp_path, name, text))
    assert str(error.value) == message


def test_guidelines_keep_patterns_and_what_stands_beside_the_rules(tmp_path):
    text = "rules:\n- {id: a, rule: Be kind., why: x, must_not_match: 'PIN\\b'}\n- {text: Short.}\nlength: {words: 9}"
    assert read_guidelines(write(tmp_path, "r.yaml", text)) == [
        Guideline(id="a", text="Be kind.", must_not_match="PIN\\b"),
        Guideline(id="rule_2", text="Short."),
        Guideline(id="length", text="Length: words 9."),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "rules:\n- {id: a, rule: x, must_mach: y}",
            "Found: r.yaml: rule 'a' has the unknown key 'must_mach'\nNeeded: one of: id, text, rule, why, check, "
            "must_match, must_not_match\nDo: correct the key. Did you mean 'must_match'?",
        ),
        (
            "- {id: a, rule: x, must_match: '('}",
            "Found: r.yaml: rule 'a', must_match is '(' (missing ), unterminated subpattern at position 0)\nNeeded: a "
            "regular expression; '\\' before each of . ( ) [ ] ? * + that is meant as itself\nDo: correct the pattern",
        ),
        (
            "- {id: a, rule: x}\n- {id: a, rule: y}",
            "Found: r.yaml has the rule 'a' twice\nNeeded: each id once\nDo: rename one",
        ),
        ("- {id: a}", "Found: r.yaml: rule 'a' has no text\nNeeded: 'rule: ...' with a sentence\nDo: add it"),
        (
            "rulez:\n- {rule: x}",
            "Found: r.yaml has the keys rulez\nNeeded: a list of rules under 'rules'\n"
            "Do: write the rules under 'rules:'. Is 'rulez' meant?",
        ),
        ("- x", "Found: r.yaml: entry 1 is text\nNeeded: 'key: value' lines\nDo: write it with its keys"),
    ],
)
def test_guidelines_that_cannot_be_read(tmp_path, text, message):
    with pytest.raises(WorkbenchError) as error:
        read_guidelines(write(tmp_path, "r.yaml", text))
    assert str(error.value) == message


def test_tone_in_both_spellings(tmp_path):
    pairs = "[{bad: a, good: b}, {before: c, after: d}]"
    text = f"voice: [warm]\nadjectives: [plain]\nuse: [please]\npairs: {pairs}\nperson: we"
    assert read_tone(write(tmp_path, "t.yaml", text)) == (
        Tone(
            adjectives=["plain", "warm"],
            use=["please"],
            pairs=[TonePair(before="a", after="b"), TonePair(before="c", after="d")],
        ),
        [Guideline(id="tone_person", text="Person: we.")],
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "avoids: [x]",
            "Found: t.yaml: the tone sheet has the unknown key 'avoids'\nNeeded: one of: adjectives, voice, use, "
            "avoid, pairs\nDo: correct the key. Did you mean 'avoid'?",
        ),
        ("use: please", "Found: t.yaml: use is text\nNeeded: a list of words\nDo: write [one, two]"),
        (
            "pairs: [{bad: x}]",
            "Found: t.yaml: pair 1 has the keys bad\nNeeded: before and after (or bad and good), each with a sentence\n"
            "Do: write the pair that way",
        ),
        ("", "Found: t.yaml holds nothing\nNeeded: keys such as voice, use, avoid, pairs\nDo: add them"),
    ],
)
def test_tone_that_cannot_be_read(tmp_path, text, message):
    with pytest.raises(WorkbenchError) as error:
        read_tone(write(tmp_path, "t.yaml", text))
    assert str(error.value) == message


def test_composed_prompt_is_short_and_takes_rules_in_order():
    rules = [Guideline(id=str(n), text=f"Rule {n} " + "x" * 80) for n in range(9)]
    prompt = compose_system_prompt(
        "respond", "You answer  customers", Tone(adjectives=["warm", "plain"]), rules
    )
    assert prompt.startswith("You answer customers. Style: warm, plain. Rule 0 xxx")
    assert len(prompt) <= 360
    assert "Rule 2" in prompt
    assert "Rule 3" not in prompt


def test_composed_prompt_without_anything_still_says_what_to_do():
    assert compose_system_prompt("respond", "", Tone(), []) == "Answer the message."
    assert (
        compose_system_prompt("classify", " ", Tone(adjectives=["warm"]), [])
        == "Say which label fits the message."
    )
