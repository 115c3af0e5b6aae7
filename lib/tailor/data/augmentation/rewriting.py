"""Rewording by a language model: paraphrase, and translation there and back. Any model at hand will do.

What a model wrote is kept in the project's cache under what it was asked, so that a rerun gives the same rows, costs
nothing, and an interrupted run goes on where it stopped.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from tailor.files import canonical_json, sha256_bytes, write_json
from tailor.models.language_model import GenerationConfig, LanguageModel, Prompt
from tailor.progress import Log

BATCH = 32
PARAPHRASE = (
    "Write the message below again in other words, as another person would. Keep its meaning and language, and every "
    "name, number and text in square brackets as it is. Answer with the new message alone."
)
TRANSLATE = (
    "Translate the message below into {language}. Keep every number and text in square brackets as it is. Answer with "
    "the translation alone."
)
TEMPERATURE = 0.8


class Rewriter:
    """Asks a model to reword texts.

    Args:
        model: any language model, on this machine or behind an address.
        name: what tells it from other models in the cache.
        cache: the folder where answers are kept.
    """

    def __init__(self, model: LanguageModel, name: str, cache: Path, *, seed: int, log: Log) -> None:
        self.model, self.name, self.seed, self.log = model, name, seed, log
        self.path = cache / f"{sha256_bytes(canonical_json([name, seed]).encode())[:16]}.json"
        self.known: dict[str, str] = _read(self.path)

    def paraphrase(self, texts: Sequence[str], number: int = 0) -> list[str]:
        """Each text in other words. `number` tells one paraphrase of a text from the next."""
        return self._ask(PARAPHRASE, texts, number, "paraphrases")

    def back_translate(
        self, texts: Sequence[str], language: str, number: int = 0, home: str = "English"
    ) -> list[str]:
        """Each text translated into `language` and back into the `home` language (the idea: Sennrich et al. 2016)."""
        there = self._ask(TRANSLATE.format(language=language), texts, number, f"translations into {language}")
        return self._ask(TRANSLATE.format(language=home), there, number, "translations back")

    def _ask(self, task: str, texts: Sequence[str], number: int, what: str) -> list[str]:
        keys = [sha256_bytes(canonical_json([task, text, number]).encode()) for text in texts]
        missing = list(dict.fromkeys(i for i, key in enumerate(keys) if key not in self.known))
        config = [
            GenerationConfig(
                max_new_tokens=min(4096, max(32, max((len(texts[i]) for i in batch), default=0))),
                temperature=TEMPERATURE,
                seed=self.seed + number,
            )
            for batch in _batches(missing)
        ]
        done = 0
        for batch, how in zip(_batches(missing), config, strict=True):
            answers = self.model.generate([_prompt(task, texts[i]) for i in batch], how)
            self.known |= {keys[i]: clean_answer(answer) for i, answer in zip(batch, answers, strict=True)}
            write_json(self.path, self.known)
            done += len(batch)
            self.log.progress(done, len(missing), what)
        return [self.known[key] for key in keys]


def _batches(places: list[int]) -> list[list[int]]:
    return [places[start : start + BATCH] for start in range(0, len(places), BATCH)]


def _prompt(task: str, text: str) -> Prompt:
    return [{"role": "user", "content": f"{task}\n\nMessage:\n{text}"}]


def clean_answer(answer: str) -> str:
    """The message without what models like to put around it: an announcement in the first line, quotation marks."""
    text = answer.strip()
    first, _, rest = text.partition("\n")
    if rest.strip() and re.fullmatch(r".{0,80}:\s*", first):
        text = rest.strip()
    text = re.sub(r"^(new |rewritten |translated )?message:\s*", "", text, flags=re.IGNORECASE)
    if len(text) > 1 and (text[0], text[-1]) in (('"', '"'), ("'", "'"), ("“", "”"), ("„", "“")):
        text = text[1:-1].strip()
    return text


def _read(path: Path) -> dict[str, str]:
    """What is known already; nothing where the file is missing or damaged, since it can be asked again."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {k: v for k, v in values.items() if isinstance(v, str)} if isinstance(values, dict) else {}
