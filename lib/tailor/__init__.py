"""Tailor: customize a language model for one use case, step by step, by hand or headless.

Importing this package loads nothing heavy: torch, pandas and the rest are imported where they are used.
"""

__version__ = "0.1.0"
