"""What a person chooses about exports in 04_format_data."""

from tailor.data.exports import FormatName
from tailor.settings import Settings, setting

EXPORTS = "Exports to other tools and services"


class ExportSettings(Settings):
    """Which formats, and what training on them costs elsewhere."""

    exports: list[FormatName] = setting(
        [],
        "Formats in which training and validation rows are also written, under dataset/exports/. Each file is held "
        "against its format's published rules. The test rows are never written.",
        section=EXPORTS,
    )
    price_per_million_tokens: float = setting(
        0.0,
        "What a service charges for training on a million tokens, in any currency; 0 shows no cost.",
        ge=0,
        section=EXPORTS,
    )
    export_epochs: int = setting(
        3, "How often that service reads every row; only the cost depends on it.", unit="epochs", ge=1, le=100,
        section=EXPORTS,
    )  # fmt: skip
