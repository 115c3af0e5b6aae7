"""From rows to exchanges: what a person writes, what was said before, and the answer, whatever the rows' shape."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import polars as pl

from tailor.data.columns import Kind
from tailor.data.conversations import (
    Conversation,
    Exchange,
    Turn,
    join_turns,
    plain_text,
    read_turns,
    transcript,
    write_history,
)
from tailor.data.drafts import Cells, Draft, Drafts, Reading, Unreadable, kinds_of
from tailor.data.threads import read_threads
from tailor.records import Task


def draft_rows(
    frame: pl.DataFrame,
    task: Task,
    columns: Mapping[str, str],
    reading: Reading,
    kinds: Mapping[str, Kind] | None = None,
) -> Drafts:
    """Apply roles to rows.

    Args:
        frame: row_id, source and the data's columns, as text.
        columns: role -> column, as `find_roles` gives them. A column that is not there counts as empty.
        kinds: what the columns hold, where the frame is a part of a table (see `kinds_of`). Only where each row is one
            turn must all rows be there at once.
    """
    cells = Cells(frame, columns, kinds_of(frame, columns) if kinds is None else kinds)
    said: list[str] = []
    left_out: Counter[str] = Counter()
    if "conversation" in columns:
        drafts, left_out = _conversations(cells, reading)
    elif "speaker" in columns:
        drafts, said = _threads(cells, reading)
    else:
        write = _pair if "chosen" in columns else _labelled if task == "classify" else _plain
        drafts = [_guarded(write, cells, place) for place in range(frame.height)]
        if "history" in columns:
            drafts = [each for draft in drafts for each in _with_rounds(draft, cells, reading.every)]
    return Drafts([_with_system(draft, cells) for draft in drafts], said, left_out)


def asked_column(columns: Mapping[str, str]) -> str:
    """The column that new rows must have: what a person writes, or the conversation it stands in."""
    return next(columns[role] for role in ("conversation", "input", "chosen") if role in columns)


def _guarded(write: Callable[[Cells, int], Draft], cells: Cells, place: int) -> Draft:
    try:
        return write(cells, place)
    except Unreadable as problem:
        shown = cells("input", place) or cells("chosen", place)
        return Draft(place, cells.ids[place], shown, problem=str(problem))


# --- one row, one example ------------------------------------------------------------------------------------------
def _plain(cells: Cells, place: int) -> Draft:
    """Input and output, either of them text or messages; earlier turns from the messages or a column of pairs."""
    output = cells("output", place)
    if cells.is_messages("input"):
        return _after_messages(cells, place, cells("input", place), output, cells.is_messages("output"))
    if cells.is_messages("output"):
        output = _last_said(output)
    elif cells.kinds.get("output") == "nested":
        output = _first_of_list(output)
    history = write_history(_earlier(cells("history", place)))
    return Draft(place, cells.ids[place], _with_context(cells, place), output, history=history)


def _labelled(cells: Cells, place: int) -> Draft:
    text = _with_context(cells, place)
    if cells.is_messages("input"):
        turns = read_turns(cells("input", place))
        if isinstance(turns, str):
            raise Unreadable(turns)
        text = transcript(turns)
    return Draft(place, cells.ids[place], text, cells("label", place))


def _pair(cells: Cells, place: int) -> Draft:
    """A preference pair: the better answer is learned, the other one kept beside it."""
    better, worse = _by_winner(cells, place)
    messages = cells.is_messages("chosen")
    rejected = _last_said(worse) if cells.is_messages("rejected") else worse
    if not rejected:
        raise Unreadable("the rejected answer is empty")
    if "input" not in cells.columns:
        draft = _after_messages(cells, place, "[]", better, True)
    elif cells.is_messages("input"):
        draft = _after_messages(cells, place, cells("input", place), better, messages)
    else:
        answer = _last_said(better) if messages else better
        draft = Draft(place, cells.ids[place], _with_context(cells, place), answer)
    if draft.output == rejected:
        raise Unreadable("the chosen and the rejected answer are the same")
    return replace(draft, rejected=rejected)


def _by_winner(cells: Cells, place: int) -> tuple[str, str]:
    """The better and the worse answer; where a column says which is which, by that."""
    first, second = cells("chosen", place), cells("rejected", place)
    if "winner" not in cells.columns:
        return first, second
    winner = cells("winner", place).lower()
    names = [cells.columns[role].lower() for role in ("chosen", "rejected")]
    matches = [winner in (name, name[-1]) for name in names]
    if not any(matches):
        raise Unreadable(f"neither answer is called the better one ('{winner[:40]}')")
    return (first, second) if matches[0] else (second, first)


def _after_messages(cells: Cells, place: int, before: str, answer: str, is_messages: bool) -> Draft:
    """A prompt of messages and its answer, which may be messages too: the last exchange of both together."""
    turns = read_turns(before)
    answered = read_turns(answer) if is_messages else [Turn("assistant", answer)] if answer else []
    for read in (turns, answered):
        if isinstance(read, str):
            raise Unreadable(read)
    joined = join_turns([*turns, *answered])
    if isinstance(joined, str):
        raise Unreadable(joined)
    return _draft(joined.exchanges[-1], place, cells.ids[place])


def _draft(exchange: Exchange, place: int, row_id: str, thread: str | None = None) -> Draft:
    return Draft(
        place, row_id, exchange.input, exchange.output, exchange.system, write_history(exchange.history),
        thread=thread,
    )  # fmt: skip


def _last_said(cell: str) -> str:
    turns = read_turns(cell)
    if isinstance(turns, str):
        raise Unreadable(turns)
    return next((turn.said for turn in reversed(turns) if turn.said), "")


def _first_of_list(cell: str) -> str:
    """The first of several answers given as a list of texts, or of objects with a text; else there is no answer."""
    try:
        items = json.loads(cell) if cell else []
    except ValueError:
        return cell
    texts = (
        [item.get("text") if isinstance(item, dict) else item for item in items]
        if isinstance(items, list)
        else [0]
    )
    if all(isinstance(text, str) for text in texts):
        return texts[0].strip() if texts else ""
    raise Unreadable("the output is a list or an object, not a text")


def _earlier(cell: str) -> list[tuple[str, str]]:
    """Earlier turns: as messages, or as Alpaca's history has them: [["question", "answer"], ...]."""
    try:
        items = json.loads(cell) if cell else []
    except ValueError:
        raise Unreadable("the history is not valid JSON") from None
    said = []
    for item in items if isinstance(items, list) else [None]:
        if isinstance(item, list) and len(item) == 2 and all(isinstance(text, str) for text in item):
            said += [("user", item[0].strip()), ("assistant", item[1].strip())]
        elif isinstance(item, dict) and isinstance(item.get("content"), str):
            said.append((str(item.get("role")), item["content"].strip()))
        else:
            raise Unreadable("the history is neither a list of messages nor of pairs of question and answer")
    if [role for role, _ in said] != ["user", "assistant"] * (len(said) // 2):
        raise Unreadable("in the history user and assistant do not take turns, the user first")
    return said


def _with_rounds(draft: Draft, cells: Cells, every: bool) -> list[Draft]:
    """A row, after the earlier rounds of an Alpaca history, whose answers are learned too (LLaMA-Factory's README)."""
    if draft.problem or not every or not cells("history", draft.place).startswith("[["):
        return [draft]
    said, row = _earlier(cells("history", draft.place)), draft.id
    rounds = [
        replace(draft, id=f"{row}#{end // 2 + 1}", input=said[end][1], output=said[end + 1][1],
                history=write_history(said[:end]), thread=row)
        for end in range(0, len(said), 2)
    ]  # fmt: skip
    return [*rounds, replace(draft, id=f"{row}#{len(rounds) + 1}", thread=row)]


def _with_context(cells: Cells, place: int) -> str:
    """The text with what it is about: a passage stands before its question, Alpaca's input after its instruction."""
    text, context = cells("input", place), cells("context", place)
    parts = (text, context) if cells.columns.get("context", "").lower() == "input" else (context, text)
    return "\n\n".join(filter(None, parts)) if text else ""


def _with_system(draft: Draft, cells: Cells) -> Draft:
    """The row's own system prompt, unless its messages bring one."""
    given = cells("system", draft.place)
    if draft.system or not given:
        return draft
    if cells.kinds["system"] == "nested":
        try:
            given = plain_text(json.loads(given)) or ""
        except ValueError:
            return replace(draft, problem=draft.problem or "the system prompt is not valid JSON")
    return replace(draft, system=given)


# --- conversations -------------------------------------------------------------------------------------------------
def _conversations(cells: Cells, reading: Reading) -> tuple[list[Draft], Counter[str]]:
    """One conversation a row; and what had to be left out of how many."""
    drafts: list[Draft] = []
    left_out: Counter[str] = Counter()
    for place, cell in enumerate(cells.all("conversation")):
        turns = read_turns(cell)
        read = turns if isinstance(turns, str) else join_turns(turns, reading.assistant)
        if isinstance(read, str):
            drafts.append(Draft(place, cells.ids[place], cell, problem=read))
        else:
            left_out.update(read.notes)
            drafts += _answers(read, place, cells.ids[place], reading.every)
    return drafts, left_out


def _answers(read: Conversation, place: int, row_id: str, every: bool) -> Iterator[Draft]:
    exchanges = read.exchanges if every else read.exchanges[-1:]
    for number, exchange in enumerate(exchanges, start=1):
        several = len(exchanges) > 1
        name = f"{row_id}#{number}" if several else row_id
        yield _draft(exchange, place, name, row_id if several else None)


def _threads(cells: Cells, reading: Reading) -> tuple[list[Draft], list[str]]:
    """One turn a row: each answer is an example with the id of its row; turns that nobody answered are set aside."""
    found, notes = read_threads(cells.all("thread"), cells.all("speaker"), cells.all("input"), cells.all("turn"),
                                reading.assistant)  # fmt: skip
    drafts = []
    for thread in found:
        if isinstance(thread.read, str):
            drafts += [Draft(p, cells.ids[p], cells("input", p), problem=thread.read) for p in thread.places]
            continue
        exchanges = thread.read.exchanges if reading.every else thread.read.exchanges[-1:]
        for exchange in exchanges:
            place = thread.places[exchange.turn]
            drafts.append(_draft(exchange, place, cells.ids[place], thread.key))
        for place in thread.places[exchanges[-1].turn + 1 :]:
            drafts.append(
                Draft(place, cells.ids[place], cells("input", place), problem="nobody answered this turn")
            )
    return sorted(drafts, key=lambda draft: draft.place), notes
