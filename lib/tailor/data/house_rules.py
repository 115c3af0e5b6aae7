"""Reading an organization's glossary, guidelines and tone sheet, and composing a short system prompt from them.

The files come as people write them: a glossary as a table or YAML, guidelines and tone as YAML. Nothing in them is
dropped in silence: a line with no place in the record becomes a guideline, and a key nearly right is asked about.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from tailor.data.readers.found import Limits
from tailor.data.readers.open import format_of, read_file
from tailor.data.readers.text import read_text
from tailor.errors import WorkbenchError, did_you_mean
from tailor.plain_yaml import parse_yaml
from tailor.records import Guideline, Task, Term, Tone, TonePair

LIMITS = Limits(bytes=5_000_000)
_TERM_COLUMNS = {
    "term": ("term", "word", "expression"),
    "definition": ("definition", "meaning", "explanation"),
    "variants": ("variants", "say_it_like_this", "synonyms", "say"),
}
_GUIDELINE_KEYS = ("id", "text", "rule", "why", "check", "must_match", "must_not_match")
_TONE_KEYS = ("adjectives", "voice", "use", "avoid", "pairs")
_PROMPT_CHARACTERS = 360  # about 90 tokens of the 512 that a small model can read


# --- glossary ------------------------------------------------------------------------------------------------------
def read_glossary(path: Path) -> list[Term]:
    """Read terms from a table (columns term, definition, variants) or from YAML (term: definition, or a list).

    Raises:
        WorkbenchError: no such columns or keys, a term without definition, a term that stands twice.
    """
    rows = _glossary_table(path) if format_of(path) else _glossary_yaml(path)
    terms: dict[str, Term] = {}
    for where, row in rows:
        term, definition = str(row.get("term") or "").strip(), str(row.get("definition") or "").strip()
        if not term or not definition:
            missing = "term" if not term else "definition"
            raise WorkbenchError(
                f"{path.name}, {where}, has no {missing}", "a term and its definition", "fill it in"
            )
        if term.lower() in terms:
            raise WorkbenchError(
                f"{path.name}, {where}, has '{term}' again", "each term once", "keep one of them"
            )
        terms[term.lower()] = Term(
            term=term, definition=definition, variants=_variants(row.get("variants"), term)
        )
    return list(terms.values())


def _variants(given: Any, term: str) -> list[str]:
    pieces = given if isinstance(given, list) else re.split(r"[;|]", str(given or ""))
    variants = [str(piece).strip() for piece in pieces]
    return [variant for variant in variants if variant and variant.lower() != term.lower()]


def _glossary_table(path: Path) -> list[tuple[str, dict]]:
    found = read_file(path, LIMITS)
    places = {
        key: next((found.columns.index(c) for c in found.columns if c.strip().lower() in names), None)
        for key, names in _TERM_COLUMNS.items()
    }
    for key in ("term", "definition"):
        if places[key] is None:
            raise WorkbenchError(
                f"{path.name} has the columns {', '.join(found.columns)}",
                "the columns term and definition, and perhaps variants",
                f"name a column '{key}'.{did_you_mean(key, found.columns)}",
            )
    return [
        (f"line {line}", {key: cells[place] for key, place in places.items() if place is not None})
        for line, cells in zip(found.lines, found.rows, strict=True)
    ]


def _glossary_yaml(path: Path) -> list[tuple[str, dict]]:
    values = read_yaml(path)
    if isinstance(values, dict) and list(values) in (["terms"], ["glossary"]):
        values = next(iter(values.values()))
    if isinstance(values, dict):
        return [(f"'{term}'", {"term": term, "definition": text}) for term, text in values.items()]
    return [(f"entry {number}", _mapping(path, entry, number)) for number, entry in _entries(path, values)]


# --- guidelines ----------------------------------------------------------------------------------------------------
def read_guidelines(path: Path) -> list[Guideline]:
    """Read rules from YAML: a list, or a list under `rules`, of {id, rule or text, must_match, must_not_match}.

    `why` and `check` are notes for people and stay in the file. Any other entry beside `rules` (a length limit, say)
    becomes a rule of its own.

    Raises:
        WorkbenchError: not YAML, an unknown key, no text, an id that stands twice, a pattern that does not compile.
    """
    values = read_yaml(path)
    others: dict = {}
    if isinstance(values, dict):
        others = {k: v for k, v in values.items() if k not in ("rules", "guidelines")}
        if len(others) == len(values):
            raise WorkbenchError(
                f"{path.name} has the keys {', '.join(map(str, values)) or '(none)'}",
                "a list of rules under 'rules'",
                f"write the rules under 'rules:'.{_near('rules', values)}",
            )
        values = values.get("rules", values.get("guidelines"))
    rules = [
        _guideline(path, number, _mapping(path, entry, number)) for number, entry in _entries(path, values)
    ]
    rules += [Guideline(id=str(key), text=f"{_words(key)}: {_say(value)}.") for key, value in others.items()]
    seen: set[str] = set()
    for rule in rules:
        if rule.id in seen:
            raise WorkbenchError(f"{path.name} has the rule '{rule.id}' twice", "each id once", "rename one")
        seen.add(rule.id)
    return rules


def _guideline(path: Path, number: int, entry: dict) -> Guideline:
    name = str(entry.get("id") or f"rule_{number}")
    _check_keys(path, f"rule '{name}'", entry, _GUIDELINE_KEYS)
    text = str(entry.get("text") or entry.get("rule") or "").strip()
    if not text:
        raise WorkbenchError(
            f"{path.name}: rule '{name}' has no text", "'rule: ...' with a sentence", "add it"
        )
    patterns = {key: str(entry.get(key) or "") for key in ("must_match", "must_not_match")}
    for key, pattern in patterns.items():
        check_pattern(pattern, f"{path.name}: rule '{name}', {key}")
    return Guideline(id=name, text=text, **patterns)


def check_pattern(pattern: str, where: str) -> None:
    """Refuse a regular expression that does not compile.

    Raises:
        WorkbenchError: names the place and what is wrong with it.
    """
    try:
        re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise WorkbenchError(
            f"{where} is {pattern!r} ({error})",
            "a regular expression; '\\' before each of . ( ) [ ] ? * + that is meant as itself",
            "correct the pattern",
        ) from None


# --- tone ----------------------------------------------------------------------------------------------------------
def read_tone(path: Path) -> tuple[Tone, list[Guideline]]:
    """Read a tone sheet from YAML: voice (or adjectives), use, avoid, pairs of {before, after} (or {bad, good}).

    Returns:
        The tone, and a guideline for each further line of text ("person: we for the bank").

    Raises:
        WorkbenchError: not YAML, a key that is nearly right, a list where text is needed or the reverse.
    """
    values = read_yaml(path)
    if not isinstance(values, dict):
        raise WorkbenchError(
            f"{path.name} holds {_kind(values)}", "keys such as voice, use, avoid, pairs", "add them"
        )
    rules = []
    for key, value in values.items():
        if key in _TONE_KEYS:
            continue
        if isinstance(value, (list, dict)) or did_you_mean(str(key), _TONE_KEYS):
            raise _unknown_key(path, "the tone sheet", key, _TONE_KEYS)
        rules.append(Guideline(id=f"tone_{key}", text=f"{_words(key)}: {_say(value)}."))
    tone = Tone(
        adjectives=_texts(path, values, "adjectives") + _texts(path, values, "voice"),
        use=_texts(path, values, "use"),
        avoid=_texts(path, values, "avoid"),
        pairs=[_pair(path, n, _mapping(path, e, n)) for n, e in _entries(path, values.get("pairs") or [])],
    )
    return tone, rules


def _pair(path: Path, number: int, entry: dict) -> TonePair:
    before, after = entry.get("before", entry.get("bad")), entry.get("after", entry.get("good"))
    if not before or not after or len(entry) != 2:
        raise WorkbenchError(
            f"{path.name}: pair {number} has the keys {', '.join(map(str, entry))}",
            "before and after (or bad and good), each with a sentence",
            "write the pair that way",
        )
    return TonePair(before=str(before), after=str(after))


# --- the system prompt ---------------------------------------------------------------------------------------------
def compose_system_prompt(task: Task, description: str, tone: Tone, guidelines: list[Guideline]) -> str:
    """A short system prompt: the description, the voice, and as many guidelines, in their order, as fit.

    Short, since every prompt pays for it: small models read a few hundred tokens in all. Labels are scored, not
    written, so for `classify` the description alone is enough.
    """
    fallback = {"respond": "Answer the message.", "classify": "Say which label fits the message."}
    prompt = _sentence(description) or fallback[task]
    if task == "classify":
        return prompt
    if tone.adjectives:
        prompt += f" Style: {', '.join(tone.adjectives)}."
    for rule in guidelines:
        if len(prompt) + len(rule.text) + 1 <= _PROMPT_CHARACTERS:
            prompt += f" {_sentence(rule.text)}"
    return prompt


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    return text if not text or text[-1] in ".!?:" else f"{text}."


# --- YAML ----------------------------------------------------------------------------------------------------------
def read_yaml(path: Path) -> Any:
    """Read a YAML file in whatever encoding it is.

    Raises:
        WorkbenchError: too large, not YAML (names the line), or nested too deeply.
    """
    text, _, _ = read_text(path, LIMITS)
    try:
        return parse_yaml(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise WorkbenchError(
            f"{path.name} is not valid YAML{where}",
            "YAML: lists with '- ', text with ': ' in quotes",
            "mend that line",
        ) from None


def _entries(path: Path, values: Any) -> list[tuple[int, Any]]:
    if not isinstance(values, list):
        raise WorkbenchError(
            f"{path.name} holds {_kind(values)}", "a list, each entry with '- '", "write it as a list"
        )
    return list(enumerate(values, start=1))


def _mapping(path: Path, entry: Any, number: int) -> dict:
    if not isinstance(entry, dict):
        raise WorkbenchError(
            f"{path.name}: entry {number} is {_kind(entry)}", "'key: value' lines", "write it with its keys"
        )
    return entry


def _check_keys(path: Path, what: str, entry: dict, known: tuple[str, ...]) -> None:
    for key in entry:
        if key not in known:
            raise _unknown_key(path, what, key, known)


def _unknown_key(path: Path, what: str, key: Any, known: tuple[str, ...]) -> WorkbenchError:
    return WorkbenchError(
        f"{path.name}: {what} has the unknown key '{key}'",
        f"one of: {', '.join(known)}",
        f"correct the key.{did_you_mean(str(key), known)}",
    )


def _texts(path: Path, values: dict, key: str) -> list[str]:
    found = values.get(key) or []
    if not isinstance(found, list) or any(isinstance(item, (list, dict)) for item in found):
        raise WorkbenchError(f"{path.name}: {key} is {_kind(found)}", "a list of words", "write [one, two]")
    return [str(item).strip() for item in found]


def _near(wanted: str, values: dict) -> str:
    return (
        f" Is '{near}' meant?"
        if (near := next((k for k in values if did_you_mean(str(k), [wanted])), ""))
        else ""
    )


def _words(key: Any) -> str:
    return str(key).replace("_", " ").capitalize()


def _say(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{_words(key).lower()} {_say(item)}" for key, item in value.items())
    return ", ".join(map(_say, value)) if isinstance(value, list) else str(value)


def _kind(value: Any) -> str:
    return {dict: "keys and values", list: "a list", str: "text", type(None): "nothing"}.get(
        type(value), "a number"
    )
