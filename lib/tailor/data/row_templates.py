"""Templates over a row's columns, and the examples that stand before every question: 04's settings, and their work."""

from typing import Literal

import polars as pl

from tailor.data.examples import Formatted
from tailor.errors import WorkbenchError
from tailor.records import Shot, UseCase
from tailor.settings import Settings, setting

TEMPLATES = "Templates and prompt"


class TemplateSettings(Settings):
    """What stands around the cells of a row."""

    instruction: str = setting(
        "",
        "Words that stand around every input, in training and in use: at the place of {input}, or before it where that "
        "does not occur. For example: Name the intent of this message: {input}",
        multiline=True,
        section=TEMPLATES,
    )
    input_template: str = setting(
        "",
        "How an input is written from the row's columns: Subject: {subject} and on the next line {message | trim}. A "
        "line whose columns are all empty is left out; {input} is the input column; braces as text are doubled. "
        'Filters: trim, lower, upper, capitalize, one line, first 200, default "none". Empty: the input column alone.',
        multiline=True,
        section=TEMPLATES,
    )
    output_template: str = setting(
        "",
        "The same for the answer to learn; {output} is the output column. Empty: the output column alone.",
        multiline=True,
        section=TEMPLATES,
    )
    system_prompt: str = setting(
        "",
        "The system prompt. Empty: the one of 01_define_use_case; 'none': no system prompt.",
        multiline=True,
        section=TEMPLATES,
    )
    shots: int = setting(
        0,
        "How many solved examples stand before every question, in training and in use. They are taken from the "
        "training rows and not learned. Each makes every prompt longer; 05_measure_baselines tries that first.",
        unit="examples",
        ge=0,
        le=16,
        section=TEMPLATES,
        source="Brown et al. 2020, section 2.1",
    )
    label_text: Literal["readable", "as given"] = setting(
        "readable",
        "What the model writes for a label: 'readable' turns card_arrival into 'card arrival', words it knows; the "
        "spelling as given is kept beside it.",
        section=TEMPLATES,
    )


def templates_of(settings: TemplateSettings) -> dict[str, str]:
    """The templates that were given: "input", "output" -> template."""
    given = {"input": settings.input_template.strip("\n"), "output": settings.output_template.strip("\n")}
    return {name: text for name, text in given.items() if text.strip()}


def system_prompt_of(settings: TemplateSettings, use_case: UseCase) -> str:
    """The system prompt of the settings, else of the use case; "" for none."""
    given = settings.system_prompt.strip()
    return "" if given == "none" else given or use_case.system_prompt


def take_shots(formatted: Formatted, count: int, seed: int) -> list[Shot]:
    """Take rows out of the training split to stand before every question: of each label one, then of each another;
    for texts, of short, middling and long answers.

    Raises:
        WorkbenchError: there are not more training rows than examples to be shown.
    """
    if not count:
        return []
    train = formatted.rows.filter(split="train")
    if train.height <= count:
        raise WorkbenchError(
            f"04_format_data.shots is {count:,}, and there are {train.height:,} training rows",
            "more training rows than examples that stand before every question",
            "lower 04_format_data.shots, or gather more rows",
        )
    drawn = train.sample(fraction=1.0, shuffle=True, seed=seed)
    if any(train["label"]):
        place = pl.int_range(pl.len()).over("output")
        drawn = drawn.with_columns(place=place).sort("place", maintain_order=True)
    else:
        by_length = drawn.sort(pl.col("output").str.len_chars(), maintain_order=True)
        drawn = by_length[[round((n + 0.5) * by_length.height / count - 0.5) for n in range(count)]]
    shots = [Shot(**row) for row in drawn.head(count).select("id", "input", "output").to_dicts()]
    formatted.take_out(
        dict.fromkeys((shot.id for shot in shots), "stands before every question as an example")
    )
    return shots
