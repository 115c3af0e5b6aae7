"""Answers kept by what was asked of which model, so that nothing is generated twice and a kill loses little.

One small SQLite file for each run, under evaluations/.answers/. A key is the hash of the whole question (task, labels,
generation settings, chat), so that more rows, other splits and probes find whatever was answered before; a run that
was made anew has another file.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tailor.data.dataset import Dataset, Example
from tailor.errors import WorkbenchError
from tailor.files import canonical_json, sha256_bytes
from tailor.models.language_model import GenerationConfig
from tailor.project import Project
from tailor.records import RunRecord


class KeptAnswers:
    """The answers of one run.

    Args:
        path: the file; made at the first answer.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of(cls, project: Project, run: RunRecord) -> "KeptAnswers":
        """The answers of a run as it is now; those of an earlier run of the same id are deleted."""
        path = project.path(f"evaluations/.answers/{run.id}-{run.content_hash()[:10]}.sqlite")
        for old in path.parent.glob(f"{run.id}-*.sqlite"):
            if old != path:
                old.unlink()
        return cls(path)

    def find(self, keys: Sequence[str]) -> dict[str, Any]:
        """Key -> answer, of those that are kept."""
        if not self.path.exists():
            return {}
        with self._open() as kept:
            rows = kept.execute(
                "SELECT key, answer FROM answers WHERE key IN (SELECT value FROM json_each(?))",
                [json.dumps(list(keys))],
            )
            return {key: json.loads(answer) for key, answer in rows}

    def keep(self, answers: dict[str, Any]) -> None:
        """Keep answers, all or none of them."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as kept, kept:
            kept.execute("CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, answer TEXT)")
            pairs = [(key, json.dumps(answer)) for key, answer in answers.items()]
            kept.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?)", pairs)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path, timeout=60)) as kept:
                yield kept
        except sqlite3.DatabaseError as error:
            raise WorkbenchError(
                f"{self.path} cannot be read ({error})",
                "the answers as Tailor kept them",
                "delete the file; the model is then asked again",
            ) from None


def question_keys(dataset: Dataset, examples: Sequence[Example], config: GenerationConfig) -> list[str]:
    """What each example asks, as a hash."""
    shared = [dataset.task, dataset.labels, config.model_dump() if dataset.task == "respond" else {}]
    return [
        sha256_bytes(canonical_json([*shared, dataset.prompt(example)]).encode())[:32] for example in examples
    ]
