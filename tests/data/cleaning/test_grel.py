"""GREL: every expected value was worked out by hand from OpenRefine's documentation and its own tests."""

import pickle
import time

import pytest

from tailor.data.cleaning.grel import EvalError, Expression, Scope, text_of
from tailor.errors import WorkbenchError


def value_of(expression, value=None, **cells):
    return Expression(expression)(Scope(value, cells, 4, "name"))


RESULTS = [
    # texts
    ("value.trim()", "\u00a0 a b \t", "a b"),
    ("value.toLowercase()", "ÀB", "àb"),
    ("value.toTitlecase()", "once upon a MIDNIGHT dreary.and", "Once Upon A Midnight Dreary.And"),
    ("value.toTitlecase()", "o'neill", "O'neill"),
    ("value.length()", "a😀", 3),
    ("value.substring(2)", "profound", "ofound"),
    ("value.substring(2, 4)", "profound", "of"),
    ("value[1,-2]", "internationalization", "nternationalizati"),
    ("value[0]", "abc", "a"),
    ("value[9]", "abc", EvalError),
    ("value.slice(-3, -1)", "abcdef", "de"),
    (
        "value.replace('oo', 'ee')",
        "The cow jumps over the moon and moos",
        "The cow jumps over the meen and mees",
    ),
    ("value.replace('.', '')", "1.2", "12"),
    (r"value.replace(/\s+/, ' ')", "a  b\t c", "a b c"),
    (r"value.replace(/(\w+), (\w+)/, '$2 $1')", "Roe, Jo", "Jo Roe"),
    (r"value.replace(/x/, '\\$')", "axb", "a$b"),
    ("value.replace(/A/i, '-')", "aAb", "--b"),
    ("value.replaceChars('abc', 'xy')", "cabbage", "xyyxge"),
    ("value.split(',').length()", "a,,b,", 2),
    ("value.split(',', true).length()", "a,,b,", 4),
    ("value.split(/,/).length()", "a,,b,,", 3),
    ("value.split(' ').reverse().join(' ')", "one two three", "three two one"),
    ("value.partition('nation')[2]", "internationalization", "alization"),
    ("value.rpartition('i')[0]", "internationalization", "internationalizat"),
    ("value.partition('zz').length()", "abc", 3),
    ("value.contains('oo')", "moon", True),
    (r"value.contains(/^\d/)", "moon", False),
    ("value.contains('a')", 5, None),
    ("value.startsWith('mo')", "moon", True),
    ("value.endsWith('x')", "moon", False),
    ("value.indexOf('o')", "moon", 1),
    ("value.lastIndexOf('o')", "moon", 2),
    ("value.indexOf('z')", "moon", -1),
    ("value.chomp('on')", "moon", "mo"),
    ("value.unescape('html')", "caf&eacute; &#8364; &amp;lt; &copy", "café € &lt; &copy"),
    ("value.escape('html')", "<é & 'q'>", "&lt;&eacute; &amp; 'q'&gt;"),
    ("value.escape('url')", "a b&c", "a+b%26c"),
    ("value.unescape('url')", "a+b%26c", "a b&c"),
    ("value.fingerprint()", "  Müller, Hans; MÜLLER ", "hans muller"),
    ("value.fingerprint()", "card-lost", "cardlost"),
    ("value.ngramFingerprint(2)", "Paris", "arispari"),
    ("value.ngram(2).join('|')", "a b c", "a b|b c"),
    ("value.match(/(\\d+)-(\\d+)/)[1]", "12-34", "34"),
    ("value.match(/\\d+/)", "12x", None),
    ("value.find(/\\d/).join('')", "a1b2", "12"),
    ("value.md5()", "abc", "900150983cd24fb0d6963f7d28e17f72"),
    ("value.normalize()", "déjà", "deja"),
    # numbers: whole ones stay whole, and a text is no number
    ("value.toNumber()", " 42 ", 42),
    ("value.toNumber()", "42.0", 42.0),
    ("value.toNumber()", "007", 7),
    ("value.toNumber()", "1,000", EvalError),
    ("value.toNumber()", "", EvalError),
    ("value.toNumber()", None, EvalError),
    ("value + 1", "5", "51"),
    ("value + 1", 5, 6),
    ("value - 1", "5", None),
    ("7 / 2", None, 3),
    ("-7 / 2", None, -3),
    ("7 / 2.0", None, 3.5),
    ("-7 % 3", None, -1),
    ("1 + 2 * 3 == 7", None, True),
    ("value.round()", 2.5, 3),
    ("(0 - 2.5).round()", None, -2),
    ("value.toString()", 100.0, "100.0"),
    ("value.toString('%.2f')", 3.14159, "3.14"),
    ("value.toString()", None, ""),
    ("forEach(value.split(','), v, v.toNumber()).sum()", "1,2,3", 6),
    # decisions
    ("if(value > 3, 'many', 'few')", 4, "many"),
    ("if(value, 1, 2)", "true", 1),
    ("if(isBlank(value), 'none', value)", "", "none"),
    ("isBlank(value)", " ", False),
    ("isBlank(value.toNumber())", "x", True),
    ("isError(value.toNumber())", "x", True),
    ("isNull(value)", None, True),
    ("isNumeric(value)", "12", True),
    ("isNumeric(value)", "1.2", False),
    ("coalesce(null, value, 'x')", None, "x"),
    ("and(value == 'a', not(false))", "a", True),
    ("value == 'A'", "a", False),
    ("value < 'b'", "A", True),
    ("value == 'cafe\u0301'", "café", True),
    ("value != null", None, False),
    # loops, JSON, other cells
    ("with(value.split(' '), w, w[1] + ' ' + w[0])", "a b", "b a"),
    ("forEachIndex(value.split(' '), i, w, i + w).join(' ')", "a b", "0a 1b"),
    ("filter(value.split(' '), w, w.length() > 1).join(' ')", "a bb ccc", "bb ccc"),
    ("forRange(0, 6, 2, n, n).join(',')", None, "0,2,4"),
    ("forNonBlank(value, v, v + '!', 'empty')", "", "empty"),
    ("value.parseJson().a.b[1]", '{"a": {"b": [1, "two"]}}', "two"),
    ("value.parseJson()['c']", '{"a": 1}', None),
    ("value.split(',').sort().uniques().join(',')", "b,a,b", "a,b"),
    ("grel:value + rowIndex", "r", "r4"),
    ("columnName", "x", "name"),
    ('"a\\"b" + \'c\\n\'', None, 'a"bc\n'),
]


@pytest.mark.parametrize(("expression", "value", "expected"), RESULTS)
def test_an_expression_gives_what_openrefine_gives(expression, value, expected):
    found = value_of(expression, value)
    if expected is EvalError:
        assert isinstance(found, EvalError)
    else:
        assert (type(found), found) == (type(expected), expected)


def test_other_cells_of_the_row():
    cells = {"First name": "Ada", "City": None}
    assert value_of('cells["First name"].value + " of " + value', "X", **cells) == "Ada of X"
    assert value_of("cells.City.value", "X", **cells) is None
    assert value_of("isNull(cells.Nowhere)", "X", **cells) is True
    assert value_of("row.index", "X", **cells) == 4
    assert value_of('row.cells["First name"].value', "X", **cells) == "Ada"
    assert value_of("row.columnNames.join('|')", "X", **cells) == "First name|City"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (42, "42"),
        (42.0, "42.0"),
        (0.1, "0.1"),
        (1e7, "1.0E7"),
        (12345678.9, "1.23456789E7"),
        (1e-4, "1.0E-4"),
        (1.5e300, "1.5E300"),
        (float("nan"), "NaN"),
        (-0.001, "-0.001"),
        (True, "true"),
        ([1, "a", None], "[1, a, null]"),
    ],
)
def test_values_are_written_as_java_writes_them(number, text):
    assert text_of(number) == text


def test_which_expressions_read_only_the_cell_and_which_give_numbers():
    assert Expression("value.trim()").value_only
    assert not Expression("cells.A.value").value_only
    assert Expression("cells['A'].value + cells.B.value").columns == ["A", "B"]
    assert Expression("cells.A.value").rowwise
    assert not Expression("row.index").rowwise
    assert Expression("value.toNumber() + 1").numeric
    assert Expression("if(isBlank(value), 0, value)").numeric
    assert not Expression("value.trim().toLowercase()").numeric
    assert Expression("value.toString()").textual


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("value.trim(", "the expression, 'value.trim(': it ends too early (character 11)"),
        ("value value", "the expression, 'value value': 'value' was not expected (character 11)"),
        ("value.trm()", "the expression uses trm(), which GREL does not have"),
        (
            "now()",
            "the expression uses now(), which depends on the clock or on chance: the same history would give "
            "another table",
        ),
        ("if(true, 1)", "the expression, 'if(true, 1)': if takes 3 arguments (character 11)"),
        ("jython:return value", "the expression is written in jython: jython:return value"),
        ("valeu", "the expression asks for 'valeu', which nothing is called"),
        ("cell.recon.match.id", "the expression asks for 'recon', which only OpenRefine keeps"),
        ("value.replace(/(/, '')", None),
        ("value.__class__", None),
        ("__import__('os')", "the expression uses __import__(), which GREL does not have"),
    ],
)
def test_what_is_not_grel_is_refused_with_the_reason(expression, found):
    if expression == "value.__class__":
        assert value_of(expression, "x") is None  # a text has no fields, whatever they are called
        return
    with pytest.raises(WorkbenchError) as error:
        Expression(expression)
    assert found is None or error.value.found == found


def test_a_near_name_is_offered():
    with pytest.raises(WorkbenchError, match=r"write the step without trm\(\)\. Did you mean 'trim'\?"):
        Expression("value.trm()")


def test_nothing_hangs_and_nothing_overflows():
    begun = time.process_time()
    with pytest.raises(WorkbenchError, match="takes too long"):
        value_of("value.replace(/(a+)+b/, '')", "a" * 5_000)
    with pytest.raises(WorkbenchError, match=r"takes over 100,000 steps on one cell"):
        value_of("forRange(0, 1000000000, 1, i, i)")
    with pytest.raises(WorkbenchError, match="nested over 60 deep"):
        Expression("(" * 500 + "1" + ")" * 500)
    with pytest.raises(WorkbenchError, match="chains over 150 calls"):
        Expression("1" + "+1" * 2_000)
    with pytest.raises(WorkbenchError, match="has 20,000 characters"):
        Expression("1" * 20_000)
    assert isinstance(value_of("value.toString('%999999999d')", 1), EvalError)
    assert isinstance(value_of("value.parseJson()", "[" * 100_000), EvalError)
    assert time.process_time() - begun < 8


def test_expressions_travel_between_processes():
    again = pickle.loads(pickle.dumps(Expression("value.replace(/A/i, '-')")))
    assert again(Scope("aAb")) == "--b"
