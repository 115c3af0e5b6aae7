"""OpenRefine's expression language GREL, as far as cells of text need it: no eval, limited in depth, steps and time."""

from tailor.data.cleaning.grel.evaluator import Expression
from tailor.data.cleaning.grel.scope import Scope
from tailor.data.cleaning.grel.values import EvalError, is_filled, parse_number, stored, text_of

__all__ = ["EvalError", "Expression", "Scope", "is_filled", "parse_number", "stored", "text_of"]
