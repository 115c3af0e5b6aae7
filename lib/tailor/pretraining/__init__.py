"""How the bundled base models are made, as a recipe that takes any folder of text files.

In the order in which they are used: `corpus` (read, hold out), `tokenizer`, `packing` (token files, mixture), `loop`
(training), `skills` and `turns` (the second stage), `export` (a model folder); `recipe` runs them from a command line.
`measure`, `ngram` and `tasks` say what came out, `card` writes it down, and `lesson` is for the notebook about it.
"""
