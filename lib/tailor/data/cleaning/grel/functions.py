"""What GREL's functions do, as OpenRefine's documentation ("GREL functions") and its tests describe them.

A function gets its arguments evaluated and gives a value, or an EvalError where OpenRefine would. Which functions
answer null and which an error when they get nothing follows OpenRefine's own tests.
"""

from tailor.data.cleaning.grel import (  # each enters its own
    text_functions,
    value_functions,
    writing_functions,
)
from tailor.data.cleaning.grel.registry import CONTROLS, FUNCTIONS, NOT_HERE
from tailor.data.cleaning.grel.text_functions import plain_split, regex_split

__all__ = [
    "CONTROLS",
    "FUNCTIONS",
    "NOT_HERE",
    "plain_split",
    "regex_split",
    "text_functions",
    "value_functions",
    "writing_functions",
]
