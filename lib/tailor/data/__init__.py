"""Rows: reading, cleaning, splitting, formatting."""
