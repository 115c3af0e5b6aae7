"""Columns that mean the same in several sources, brought under one name."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from tailor.data.columns import name_score, plain_name
from tailor.data.readers import Found
from tailor.errors import WorkbenchError, did_you_mean

# What a column can mean, by the names people give it. Only columns of different sources are ever put together, and
# only one column of each source for a meaning.
MEANINGS: dict[str, tuple[str, ...]] = {
    "message": (
        *(
            "message",
            "customer_message",
            "customer_text",
            "user_message",
            "text",
            "body",
            "question",
            "input",
        ),
        *("prompt", "query", "utterance", "request", "description", "content"),
    ),
    "reply": (
        *(
            "reply",
            "agent_reply",
            "agent_text",
            "agent_message",
            "answer",
            "response",
            "output",
            "completion",
        ),
        *("resolution",),
    ),
    "label": ("label", "intent", "category", "class", "topic"),
    "customer": ("customer_id", "customer", "requester_id", "client_id", "user_id", "customer_no", "client"),
    "thread": ("thread_id", "thread", "conversation_id", "conversation"),
    "time": ("created_at", "created", "date", "timestamp", "ts", "time", "sent_at", "received_at"),
    "subject": ("subject", "title", "subject_line"),
    "language": ("language", "lang", "locale"),
    "channel": ("channel", "via_channel", "via"),
    "number": ("id", "ticket_id", "ticket_no", "message_id", "row_no", "number", "case_id"),
    "agent": ("agent", "agent_id", "assignee", "handled_by", "labelled_by"),
    "product": ("product", "product_name"),
}


def rename_columns(found: Found, name: str, renames: Mapping[str, str]) -> None:
    """Apply the renames that a person asked for ("Customer_Message" -> "message"), where the source has the column.

    Raises:
        WorkbenchError: the new name is there already.
    """
    for old, new in renames.items():
        if old in found.columns and old != new:
            if new in found.columns:
                raise WorkbenchError(
                    f"02_gather_data.rename_columns turns '{old}' into '{new}', and {name} has a '{new}' already",
                    "a new name for each column",
                    f"choose another name for '{old}'",
                )
            found.columns[found.columns.index(old)] = new


def check_renames(renames: Mapping[str, str], sources: Sequence[Found]) -> None:
    """Refuse a rename of a column that no source has.

    Raises:
        WorkbenchError: no source has the column.
    """
    names = list(dict.fromkeys(column for found in sources for column in found.columns))
    for old in renames:
        if old not in names:
            raise WorkbenchError(
                f"02_gather_data.rename_columns names '{old}', and no source has such a column",
                f"one of: {', '.join(names)}",
                f"correct the column's name.{did_you_mean(old, names)}",
            )


def align_columns(sources: Sequence[Found]) -> None:
    """Give columns that mean the same one name, and note in each source what was renamed.

    Two columns mean the same if their names differ only in case, blanks and underscores, or if each is its source's
    best match for one of `MEANINGS`. The name that most sources use wins; of equally frequent ones a plain one
    (lower case, underscores), then the earliest.
    """
    if len(sources) < 2:
        return
    meanings = [_meanings(found.columns) for found in sources]
    common = _common_names(sources, meanings)
    for found, meaning in zip(sources, meanings, strict=True):
        for place, column in enumerate(found.columns):
            new = common[meaning[column]]
            if new != column and new not in found.columns:
                found.columns[place] = new
                found.notes.append(f"column '{column}' is read as '{new}', as in the other sources")


def _meanings(columns: Sequence[str]) -> dict[str, str]:
    """What each column of a source means: one of MEANINGS for its best match, its own plain name otherwise."""
    found = {column: f"={plain_name(column)}" for column in columns}
    for meaning, names in MEANINGS.items():
        scores = {column: name_score(column, names, words=False) for column in columns}
        best = max(scores, key=scores.__getitem__, default=None)
        if best is not None and scores[best] > 0 and found[best].startswith("="):
            found[best] = meaning
    return found


def _common_names(sources: Sequence[Found], meanings: Sequence[dict[str, str]]) -> dict[str, str]:
    counts: defaultdict[str, Counter] = defaultdict(Counter)
    for found, meaning in zip(sources, meanings, strict=True):
        for column in found.columns:
            counts[meaning[column]][column] += 1
    # a Counter keeps the order of first appearance, and max takes the first of equals
    return {
        meaning: max(names, key=lambda name: (names[name], name == plain_name(name)))
        for meaning, names in counts.items()
    }


def parse_renames(lines: Sequence[str]) -> dict[str, str]:
    """Read renames as a form gives them: "old = new", one each.

    Raises:
        WorkbenchError: a line without "=".
    """
    renames = {}
    for line in lines:
        old, _, new = (part.strip() for part in line.partition("="))
        if not old or not new:
            raise WorkbenchError(
                f"02_gather_data.rename_columns holds {line!r}",
                "'old name = new name'",
                "write it so, one rename an entry",
            )
        renames[old] = new
    return renames
