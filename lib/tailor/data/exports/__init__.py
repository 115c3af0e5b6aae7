"""Training data in the formats of other tools and services, each file held against its format's published rules."""

from typing import Literal

from tailor.data.exports.community import (
    ALPACA,
    SHAREGPT,
    TRL,
    TRL_CONVERSATIONAL,
    TRL_CONVERSATIONAL_PREFERENCE,
    TRL_PREFERENCE,
)
from tailor.data.exports.format import Format
from tailor.data.exports.services import GEMINI, OPENAI
from tailor.data.exports.spreadsheet import CSV, PARQUET

FormatName = Literal[
    "OpenAI", "Gemini", "Alpaca", "ShareGPT", "TRL", "TRL conversational", "TRL preference",
    "TRL conversational preference", "Parquet", "CSV",
]  # fmt: skip
FORMATS: dict[str, Format] = {
    form.name: form
    for form in (
        *(OPENAI, GEMINI, ALPACA, SHAREGPT, TRL, TRL_CONVERSATIONAL, TRL_PREFERENCE),
        *(TRL_CONVERSATIONAL_PREFERENCE, PARQUET, CSV),
    )
}

__all__ = ["FORMATS", "Format", "FormatName"]
