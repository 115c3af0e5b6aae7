"""Replies that teach a model nothing: sent by a machine, or written to somebody else's message."""

from collections.abc import Sequence
from typing import Any, ClassVar

import polars as pl

from tailor.blocks import Block, Table
from tailor.data.cleaning.doubt import LearnedSuspicion, Suspicion, lowest, pooled
from tailor.data.cleaning.operation import Columns, Outcome
from tailor.data.cleaning.pairing import Pairing, learn_pairs, pair_odds
from tailor.data.cleaning.sieves import is_empty
from tailor.data.columns import NAMES, name_score
from tailor.settings import setting

# what hardly a person writes: one of these is enough
_SURE = (
    r"\bout of (the )?office\b|\b(auto(matic|mated)?[- ]?(reply|replies|response|responder|answer|"
    r"confirmation|notification|message|e-?mail))\b|\b(closed|created|generated|sent|assigned) automatically\b|"
    r"\bautomatically (closed|created|generated|sent|assigned)\b|\bthis (mailbox|inbox) is not (monitored|read)|"
    r"\bdo not (reply|respond) to this\b|\b(abwesenheitsnotiz|automatische (antwort|eingangsbestätigung)|"
    r"réponse automatique|absence du bureau|respuesta automática|fuera de la oficina|"
    r"risposta automatica|automatisch antwoord)\b"
)
# what a person may write, but not two of them in a short reply
_HINTS = (
    r"\b(ticket|case|request|reference|incident|inquiry|message)( (number|id|no\.?))?( is)?:? ?#? ?[a-z]{0,4}-?\d{3,}",
    r"\b(has|have) been (received|registered|logged|created|assigned)\b",
    r"\b(was|is) (created|closed|opened|registered)\b",
    r"\bwe (have )?received your\b|\byour (ticket|case|request|enquiry|inquiry)\b",
    r"\b(get|getting) back to you (shortly|soon|as soon)|\bwill (answer|respond|reply|be in touch) (soon|shortly)",
    r"\blonger than (usual|normal)\b|\bhigh(er)? (volume|number) of\b|\bdue to (many|high)\b",
    r"\b(will be|you are) (notified|informed) (of|about|when)\b|\bi am back on\b|\bin urgent cases\b",
    r"\bthank you for (contacting|writing to|your (message|e-?mail))\b",
)
_MOST_WORDS = 60
"""A longer reply answers something, whatever its last line says."""


class Replies(Suspicion):
    """A suspicion about a column of replies, named or told by its name."""

    def chosen(self, columns: Columns) -> tuple[str, ...]:
        if self.columns:
            return tuple(self.columns)
        ranked = sorted(columns.texts, key=lambda name: -name_score(name, NAMES["output"]))
        return tuple(ranked[:1]) if ranked and name_score(ranked[0], NAMES["output"]) else ()


class AutomaticReplies(Replies):
    """Find replies that a program sent: out of office, "we have received your request #1234"."""

    name = "automatic_replies"
    title = "Find automatic replies"
    relax = "set the action of automatic_replies to 'mark'"

    hints: int = setting(
        2,
        "A short reply goes where it has a sure sign ('out of office'), or at least this many of the phrases that "
        "ticket systems use ('longer than usual', 'your ticket number is').",
        unit="phrases",
        ge=1,
        le=5,
    )

    def apply(self, frame: pl.DataFrame, columns: Columns, decision: Any = None) -> Outcome:
        reasons: dict[str, str] = {}
        for name in self.chosen(columns):
            text = pl.col(name).str.to_lowercase()
            signs = frame.select(
                "row_id",
                short=text.str.count_matches(r"\S+") <= _MOST_WORDS,
                sure=text.str.contains(_SURE),
                hints=pl.sum_horizontal(text.str.contains(pattern).cast(pl.Int32) for pattern in _HINTS),
            )
            found = signs.filter(pl.col("short") & (pl.col("sure") | (pl.col("hints") >= self.hints)))
            for row_id in found["row_id"]:
                reasons.setdefault(row_id, f"'{name}' was sent by a program")
        return self.settle(frame, reasons)

    def preview(self, frame: pl.DataFrame, columns: Columns) -> list[Block]:
        """Replies that stand under many messages, numbers aside: templates, of which some are automatic."""
        shown: list[Block] = []
        for name in self.chosen(columns):
            same = (
                frame.select(reply=pl.col(name).str.replace_all(r"\d+", "0"))
                .drop_nulls()
                .group_by("reply")
                .len()
            )
            rows = same.filter(pl.col("len") >= 3).sort(["len", "reply"], descending=[True, False]).rows()
            shown.append(
                Table(("reply (numbers as 0)", "rows"), rows, f"'{name}' that stands in three rows or more")
            )
        return shown


class MismatchedReplies(Replies, LearnedSuspicion):
    """Find replies that answer another message than the one they stand beside.

    From the rows themselves it is learned which replies go with which messages: a linear map from the message's words
    to the reply's and back, words that both share, and rare words (names, sums, places) of the reply that the message
    names. A judge then learns to tell real pairs from pairs dealt at random; a pair that it takes for a random one is
    suspected. All this without the row in question (see LearnedSuspicion).
    """

    name = "mismatched_replies"
    title = "Find replies to another message"
    relax = "lower the odds of mismatched_replies, or set its action to 'mark'"
    warning = "Cut texts and automatic replies fit their messages as badly; find these first."

    odds: float = setting(
        0.02,
        "How likely a pair may at most be a real one to be suspected. Higher finds more and is wrong more often.",
        unit="probability",
        source="on the demo 0.02 found 11 of 12 planted ones, and nothing that was sound",
        gt=0,
        lt=1,
    )
    message_column: str = setting("", "The column with the messages. Empty: told by its name.", advanced=True)

    MIN_ROWS: ClassVar[int] = 200

    def named_columns(self) -> tuple[str, ...]:
        return (*self.columns, *([self.message_column] if self.message_column else []))

    def _pair(self, columns: Columns) -> tuple[str, ...]:
        """(message, reply), or () where one of them cannot be told."""
        reply = self.chosen(columns)[:1]
        others = [name for name in columns.texts if name not in reply and name_score(name, NAMES["input"])]
        ranked = sorted(others, key=lambda name: -name_score(name, NAMES["input"]))
        message = (self.message_column,) if self.message_column else tuple(ranked[:1])
        return (*message, *reply) if message and reply else ()

    def survey(self, frame: pl.DataFrame, columns: Columns) -> pl.DataFrame:
        """row_id, message and reply of rows that have both."""
        return lowest(self._pairs(frame, columns))

    def _pairs(self, frame: pl.DataFrame, columns: Columns) -> pl.DataFrame:
        names = self._pair(columns)
        if not names:
            return frame.clear().select("row_id", message="row_id", reply="row_id")
        pairs = frame.select("row_id", message=names[0], reply=names[1])
        return pairs.filter(~is_empty(pairs["message"]) & ~is_empty(pairs["reply"]))

    def decide(self, surveys: Sequence[pl.DataFrame]) -> Pairing | None:
        """What was learned; None from too few rows, or from texts that are all alike."""
        rows = pooled(surveys)
        try:
            return learn_pairs(rows) if rows.height >= self.MIN_ROWS else None
        except ValueError:
            return None

    def apply(self, frame: pl.DataFrame, columns: Columns, decision: Pairing | None) -> Outcome:
        if decision is None:
            return self.settle(
                frame,
                {},
                f"fewer than {self.MIN_ROWS} rows have message and reply in words that differ; nothing was judged",
            )
        pairs = self._pairs(frame, columns)
        reasons = {
            row_id: f"the reply seems to answer another message (odds of a real pair: {odds:.1%})"
            for row_id, odds in zip(pairs["row_id"], pair_odds(decision, pairs), strict=True)
            if odds <= self.odds
        }
        return self.settle(frame, reasons)

    def preview(self, frame: pl.DataFrame, columns: Columns) -> list[Block]:
        pairing = self.decide([self.survey(frame, columns)])
        if pairing is None:
            return []
        odds = pair_odds(pairing, self._pairs(frame, columns))
        rows = [(f"{at:g}", int((odds <= at).sum())) for at in (0.005, 0.01, 0.02, 0.05, 0.1)]
        return [
            Table(
                ("odds at most", "rows suspected"),
                rows,
                f"Replies that may answer another message, of {len(odds):,}",
            )
        ]
