"""Checks before tuning: what goes wrong without a sound is found here, with row numbers, cause and one thing to do.

All labels masked and a loss of 0.0 called success; another template in use than in training; an end of answer that is
never learned; test rows in the training set: each trains to the end and looks like a result. So 07_tune refuses to
start while one of these is found.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from tailor.data.dataset import Dataset
from tailor.data.preflight_rows import Rows
from tailor.data.row_checks import (
    answer_in_prompt,
    copies_across,
    empty_answers,
    from_the_future,
    groups_across,
    labels_once,
)
from tailor.data.token_checks import end_of_answer, nothing_to_learn, other_prompt, other_template, truncated
from tailor.errors import WorkbenchError
from tailor.files import scratch_folder
from tailor.models.catalog import ModelSource
from tailor.progress import Log
from tailor.records import Finding

CheckName = Literal[
    "nothing to learn",
    "truncated",
    "end of answer",
    "other template",
    "other prompt",
    "empty answers",
    "labels once",
    "answer in prompt",
    "copies across splits",
    "groups across splits",
    "from the future",
]


def preflight(dataset: Dataset, source: ModelSource, log: Log) -> list[Finding]:
    """Run every check.

    Args:
        dataset: as 04 wrote it.
        source: the base model to be tuned.

    Returns:
        What was found; empty where tuning may start. Findings of accepted checks are marked and block nothing.
    """
    accepted = dataset.record.settings.get("accepted_checks", [])
    found = []
    with scratch_folder(dataset.folder) as scratch:
        rows = Rows(dataset, source, scratch)
        for name, check in log.track(CHECKS.items(), "checks before tuning", total=len(CHECKS)):
            for finding in check(rows):
                found.append(finding.model_copy(update={"check": name, "accepted": name in accepted}))
    return found


def refuse(findings: Sequence[Finding]) -> None:
    """Stop where a finding was not accepted.

    Raises:
        WorkbenchError: tells the first finding, and the names of the others.
    """
    blocking = [finding for finding in findings if not finding.accepted]
    if not blocking:
        return
    first, others = blocking[0], list(dict.fromkeys(finding.check for finding in blocking[1:]))
    more = f" Also found: {', '.join(others)}." if others else ""
    raise WorkbenchError(
        f"tuning would go wrong ({first.check}): {first.sentence}{more}",
        "data that pass every check before tuning, which 04_format_data shows",
        f"{first.fix}; if it is meant so, add '{first.check}' to 04_format_data.accepted_checks",
    )


CHECKS: dict[CheckName, Callable[[Rows], Iterator[Finding]]] = {
    "nothing to learn": nothing_to_learn,
    "truncated": truncated,
    "end of answer": end_of_answer,
    "other template": other_template,
    "other prompt": other_prompt,
    "empty answers": empty_answers,
    "labels once": labels_once,
    "answer in prompt": answer_in_prompt,
    "copies across splits": copies_across,
    "groups across splits": groups_across,
    "from the future": from_the_future,
}
