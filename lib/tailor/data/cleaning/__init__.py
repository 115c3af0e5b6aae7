"""Cleaning: an ordered list of small operations, each of which tells what it changed and dropped."""
