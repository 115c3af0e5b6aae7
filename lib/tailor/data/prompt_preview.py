"""The first rows as the model will see them with the settings in the form: quick and pure, redrawn on every change."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl

from tailor.blocks import Block, Callout, Tokens
from tailor.data.examples import Formatted, format_rows, given_roles
from tailor.data.exchanges import Reading
from tailor.data.prompts import PromptFormat
from tailor.data.roles import find_roles
from tailor.data.row_templates import TemplateSettings, system_prompt_of, take_shots, templates_of
from tailor.errors import WorkbenchError
from tailor.project import Project
from tailor.records import ProjectRecord, UseCase

SAMPLE = 200  # rows from which roles are guessed
SHOWN = 2
LEGEND = {
    "system": "system prompt",
    "user": "user",
    "assistant": "answer before",
    "answer": "the answer to learn",
}


def preview_prompts(project: Project, settings: TemplateSettings) -> list[Block]:
    """The messages of the first rows, roles marked; or the sentence on why there are none."""
    try:
        return _preview(project, settings)
    except WorkbenchError as error:
        found, fix = error.found.rstrip("."), error.fix.rstrip(".")
        return [Callout(f"{found[0].upper()}{found[1:]}. To do: {fix}.", "bad")]


def _preview(project: Project, settings: Any) -> list[Block]:
    use_case = project.load(UseCase, "use_case.json")
    path = project.path("clean.parquet")
    sample = _first_rows(path, path.stat().st_mtime_ns)
    roles = find_roles(sample, use_case.task, given_roles(settings.model_dump()))
    reading = Reading(settings.conversation_answers == "every", settings.assistant_speaker)
    readable = settings.label_text == "readable"
    formatted = format_rows(sample, use_case.task, roles, readable, reading, templates_of(settings))
    prompts = PromptFormat(
        system_prompt_of(settings, use_case),
        settings.instruction.strip(),
        _shots(project, formatted, settings.shots),
    )
    rows = formatted.rows.head(SHOWN).select("id", "input", "output", "system", "history").to_dicts()
    if not rows:
        return [Callout(f"None of the first {sample.height} rows can be an example.", "warning")]
    return [_strip(prompts, row) for row in rows]


def _shots(project: Project, formatted: Formatted, count: int) -> tuple:
    """Examples as they might be drawn; which ones it will be is known when the rows are split."""
    if not count:
        return ()
    formatted.rows = formatted.rows.with_columns(split=pl.lit("train"))
    return tuple(take_shots(formatted, count, project.load(ProjectRecord, "project.json").seed))


class _Row:
    """A row as far as its prompt goes."""

    def __init__(self, row: dict[str, str]) -> None:
        self.input, self.system, self.history = row["input"], row["system"], row["history"]


def _strip(prompts: PromptFormat, row: dict[str, str]) -> Tokens:
    messages = prompts.conversation(_Row(row), row["output"])
    pieces = [(message["content"], message["role"]) for message in messages[:-1]]
    pieces.append((messages[-1]["content"], "answer"))
    kinds = {kind for _, kind in pieces}
    legend = {kind: meaning for kind, meaning in LEGEND.items() if kind in kinds}
    spaced = [piece for pair in pieces for piece in (pair, ("\n", pair[1]))][:-1]
    return Tokens(
        spaced, legend, f"Row {row['id']} as messages; the chat template and the tokens follow in the result"
    )


@lru_cache(maxsize=4)
def _first_rows(path: Path, _changed: int) -> pl.DataFrame:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        return pl.from_arrow(next(file.iter_batches(batch_size=SAMPLE), file.schema_arrow.empty_table()))
