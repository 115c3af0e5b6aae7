"""What the notebooks in notebooks/lessons/ call: a small task, a trial of a technique on it, and a look inside."""
