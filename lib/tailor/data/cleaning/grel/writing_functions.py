"""GREL's functions that write a text in another way: escapes, JSON, keys for clustering."""

import html
import json
import re
import unicodedata
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from tailor.data.cleaning.grel.registry import WRONG, function
from tailor.data.cleaning.grel.values import EvalError, Json, is_number, text_of, unwrap


@function("escape", 2, 2, otherwise=None)
def escape(value: Any, mode: Any) -> Any:
    if value is None or not isinstance(mode, str):
        return WRONG
    text = text_of(value)
    ways = {"html": _escape_html, "xml": _escape_xml, "url": quote_plus, "csv": _escape_csv}
    return ways[mode.lower()](text) if mode.lower() in ways else EvalError("escape: unknown mode")


def _escape_html(text: str) -> str:
    from html.entities import codepoint2name

    return "".join(
        f"&{codepoint2name[ord(sign)]};" if ord(sign) in codepoint2name and sign != "'" else sign
        for sign in text
    )


def _escape_xml(text: str) -> str:
    return html.escape(text, quote=True).replace("&#x27;", "&apos;")


def _escape_csv(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if re.search(r'[,"\r\n]', text) else text


@function("unescape", 2, 2, otherwise=None)
def unescape(value: Any, mode: Any) -> Any:
    """Named and numbered entities need their semicolon, as in Commons Lang: `&copy` stays."""
    if not isinstance(value, str) or not isinstance(mode, str):
        return WRONG
    if mode.lower() in ("html", "xml"):
        return re.sub(
            r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|\w{1,31});", lambda m: html.unescape(m.group()), value
        )
    if mode.lower() == "url":
        return unquote_plus(value)
    if mode.lower() == "csv":
        quoted = len(value) > 1 and value[0] == value[-1] == '"' and re.search(r'[,"\r\n]', value[1:-1])
        return value[1:-1].replace('""', '"') if quoted else value
    return EvalError("unescape: unknown mode")


_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~\x00-\x08\x0a-\x1f\x7f]")


_LETTERS = {
    "ß": "ss",
    "æ": "ae",
    "œ": "oe",
    "ø": "o",
    "ł": "l",
    "đ": "d",
    "ð": "d",
    "þ": "th",
    "ı": "i",
    "ħ": "h",
}


def _plain(text: str) -> str:
    text = _PUNCTUATION.sub("", text.strip().lower())
    text = "".join(_LETTERS.get(sign, sign) for sign in text)
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


@function("fingerprint", 1, 1, otherwise=None)
def fingerprint(value: Any) -> Any:
    """The words without case, marks and accents, each once and in order."""
    return WRONG if value is None else " ".join(sorted(set(_plain(text_of(value)).split())))


@function("ngramFingerprint", 1, 2)
def ngram_fingerprint(value: Any, size: Any = 2) -> Any:
    if value is None or not is_number(size) or size < 1:
        return WRONG
    letters = "".join(_plain(text_of(value)).split())
    return "".join(sorted({letters[i : i + int(size)] for i in range(len(letters) - int(size) + 1)}))


@function("ngram", 2, 2)
def ngram(value: Any, size: Any) -> Any:
    """Runs of `size` words."""
    if not isinstance(value, str) or not is_number(size) or size < 1:
        return WRONG
    words, size = value.split(), int(size)
    return [" ".join(words[i : i + size]) for i in range(len(words) - size + 1)] or [value]


@function("normalize", 1, 1)
def normalize(value: Any) -> Any:
    if not isinstance(value, str):
        return WRONG
    return "".join(
        sign for sign in unicodedata.normalize("NFD", value) if unicodedata.category(sign)[0] != "M"
    )


@function("parseJson", 1, 1, otherwise=None)
def parse_json(value: Any) -> Any:
    """An object or array; anything else, and what is nested too deep, is an error."""
    if value is None:
        return WRONG
    found = unwrap(json.loads(text_of(value)))
    return found if isinstance(found, Json) else WRONG


@function("jsonize", 1, 1)
def jsonize(value: Any) -> str:
    plain = value.items if isinstance(value, Json) else value
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
