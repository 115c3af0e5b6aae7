"""New training rows from given ones: reworded by rule or by a language model, filtered, marked with their parent."""
