"""Which models there are, and what a name given by a person means. Imports neither torch nor transformers.

A model is named by a bundled name ("tailor-base"), by a folder that holds a config.json, by the name of the optional
encoder, or by a hub id ("HuggingFaceTB/SmolLM2-135M"). `resolve` turns any of them into a `ModelSource`.
"""

from __future__ import annotations

import json
import re
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tailor.errors import WorkbenchError, did_you_mean

Kind = Literal["bundled", "folder", "hub", "encoder"]
Architecture = Literal["decoder", "encoder", "encoder-decoder"]

BUNDLED_FOLDER = Path(__file__).resolve().parents[3] / "data" / "models"
DEFAULT_MODEL = "tailor-base"
HUB_EXAMPLES = ("HuggingFaceTB/SmolLM2-135M-Instruct", "Qwen/Qwen2.5-0.5B-Instruct", "google/flan-t5-small")
POSITIONS_AFTER_PADDING = (
    "roberta",
    "xlm-roberta",
    "xlm-roberta-xl",
    "roberta-prelayernorm",
    "camembert",
    "mpnet",
)
"""Model types that number their positions from after the padding token's id on, which costs them some."""
HUB_TIMEOUT = 5.0  # seconds before the hub counts as out of reach
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
_DECODERS = {
    "gemma",
    "gemma2",
    "gpt2",
    "gpt_neo",
    "gpt_neox",
    "llama",
    "mistral",
    "opt",
    "phi",
    "phi3",
    "qwen2",
    "qwen3",
}


@dataclass(frozen=True)
class ModelSource:
    """One model that can be loaded. ``location`` is a folder, or the id for a hub model that isn't stored here yet."""

    name: str
    kind: Kind
    location: str
    architecture: Architecture
    parameters: int | None = None  # None where only the hub knows
    context: int | None = None  # tokens
    licence: str = "not stated"

    @property
    def folder(self) -> Path | None:
        """The folder with the model's files, or None for a hub model."""
        return None if self.kind == "hub" else Path(self.location)


def list_models(folders: list[str | Path] = ()) -> list[ModelSource]:
    """Return what can be used here: bundled models, the encoder where installed, the given folders, hub examples.

    Raises:
        WorkbenchError: a given folder holds no model.
    """
    found = [resolve(name) for name in bundled_names()]
    if (encoder := _encoder_folder()) is not None:
        found.append(_from_folder(encoder, _encoder_name(), "encoder"))
    found += [resolve(str(folder)) for folder in folders]
    for name in HUB_EXAMPLES:
        kind: Architecture = "encoder-decoder" if "t5" in name else "decoder"
        found.append(ModelSource(name, "hub", name, kind, licence=_hub_licence(name)))
    return found


def bundled_names() -> list[str]:
    """Return the bundled models' names, the default first."""
    names = sorted(path.parent.name for path in BUNDLED_FOLDER.glob("*/config.json"))
    return sorted(names, key=lambda name: name != DEFAULT_MODEL)


def resolve(model: str | Path | ModelSource) -> ModelSource:
    """Find what ``model`` names: a bundled model, a folder, the encoder, or a model on the hub, in this order.

    Raises:
        WorkbenchError: there is nothing of that name, or the hub can't be reached.
    """
    if isinstance(model, ModelSource):
        return model
    name = str(model)
    if name in bundled_names():
        return _from_folder(BUNDLED_FOLDER / name, name, "bundled")
    if name == _encoder_name():
        from tailor.models.encoder import encoder_folder

        return _from_folder(encoder_folder(), name, "encoder")
    if Path(name).expanduser().is_dir():
        folder = Path(name).expanduser().resolve()
        return _from_folder(folder, folder.name, "folder")
    if "/" not in name or not _HUB_ID.fullmatch(name):
        raise _unknown(name)
    return _from_hub(name)


def _from_folder(folder: Path, name: str, kind: Kind) -> ModelSource:
    config = _read_config(folder / "config.json", folder)
    return ModelSource(
        name=name,
        kind=kind,
        location=str(folder),
        architecture=read_architecture(config),
        parameters=count_parameters(folder),
        context=read_context(config),
        licence=_card_licence(folder / "README.md"),
    )


def read_context(config: dict[str, Any]) -> int | None:
    """How many tokens a model reads at once, from its config.json; None where nothing limits them."""
    positions = config.get("max_position_embeddings") or config.get("n_positions")
    if positions and config.get("model_type") in POSITIONS_AFTER_PADDING:
        return positions - config.get("pad_token_id", 1) - 1
    return positions


def _read_config(path: Path, folder: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(config, dict):
            return config
        problem = "it holds no settings"
    except FileNotFoundError:
        raise WorkbenchError(
            found=f"{folder} has no config.json.",
            needed="a folder made by save_pretrained: config.json, model.safetensors and the tokenizer's files.",
            fix="Give the folder that holds config.json.",
        ) from None
    except (OSError, ValueError) as error:
        problem = str(error)
    raise WorkbenchError(
        found=f"{path} can't be read: {problem}.",
        needed="the JSON settings of a transformers model.",
        fix=f"Copy {path.name} again from where the model came from.",
    )


def read_architecture(config: dict[str, Any]) -> Architecture:
    """Tell from a transformers config whether a model continues text, encodes it, or reads one and writes another."""
    if config.get("is_encoder_decoder"):
        return "encoder-decoder"
    classes = " ".join(config.get("architectures") or [])
    if "CausalLM" in classes or "LMHead" in classes or config.get("is_decoder"):
        return "decoder"
    return "decoder" if config.get("model_type") in _DECODERS else "encoder"


def count_parameters(folder: Path) -> int | None:
    """Count the numbers in a folder's safetensors files from their headers alone; None where there is no such file."""
    total = 0
    for path in sorted(folder.glob("*.safetensors")):
        try:
            with open(path, "rb") as file:
                header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        except (OSError, ValueError, OverflowError, MemoryError):
            return None  # a damaged file is reported when it is loaded
        for name, entry in header.items():
            if name != "__metadata__":
                size = 1
                for length in entry["shape"]:
                    size *= length
                total += size
    return total or None


def _card_licence(card: Path) -> str:
    """Return the licence in a model card's YAML head."""
    if not card.is_file():
        return "not stated"
    head = card.read_text(encoding="utf-8", errors="replace").partition("\n---")[0]
    line = re.search(r"^license: *(\S+)", head, flags=re.MULTILINE)
    return line.group(1) if line else "not stated"


def _hub_licence(name: str) -> str:
    return f"see https://huggingface.co/{name}"


def _from_hub(name: str) -> ModelSource:
    """Ask the hub (or its local cache) for a model's config; nothing else is downloaded."""
    from huggingface_hub import hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import LocalEntryNotFoundError, RepositoryNotFoundError

    try:
        stored = try_to_load_from_cache(name, "config.json")
        if not isinstance(stored, str):
            _knock()
            stored = hf_hub_download(name, "config.json", etag_timeout=HUB_TIMEOUT)
        path = Path(stored)
    except RepositoryNotFoundError as error:
        raise _unknown(name) from error
    except (LocalEntryNotFoundError, OSError) as error:
        raise WorkbenchError(
            found=f"'{name}' is neither bundled nor stored on this machine, and the hub can't be reached."
            f"{did_you_mean(name, bundled_names())}",
            needed=f"a bundled model ({', '.join(bundled_names())}), a model folder, or a connection to the hub.",
            fix=f"Choose '{DEFAULT_MODEL}', or connect to the network and run this again.",
        ) from error
    config = _read_config(path, path.parent)
    return ModelSource(
        name,
        "hub",
        name,
        read_architecture(config),
        count_parameters(path.parent),
        read_context(config),
        _hub_licence(name),
    )


def _knock() -> None:
    """Raise OSError when the hub doesn't answer; asking for a file would retry for half a minute first."""
    with socket.create_connection(("huggingface.co", 443), timeout=HUB_TIMEOUT):
        pass


def _unknown(name: str) -> WorkbenchError:
    options = [*bundled_names(), _encoder_name()]
    return WorkbenchError(
        found=f"there is no model '{name}'.{did_you_mean(name, options)}",
        needed=f"a bundled model ({', '.join(bundled_names())}), a folder with a config.json, "
        "or a hub id such as 'HuggingFaceTB/SmolLM2-135M-Instruct'.",
        fix=f"Choose '{DEFAULT_MODEL}' if you are unsure.",
    )


def _encoder_name() -> str:
    from tailor.models.encoder import ENCODER_NAME

    return ENCODER_NAME


def _encoder_folder() -> Path | None:
    from tailor.models.encoder import find_encoder

    return find_encoder()
