"""The grammar and the fixed documents of the invented bank, as YAML, so that they travel with the package."""
