"""How the bundled base models are made: corpus, tokenizer, packing, training, turns, measuring."""
