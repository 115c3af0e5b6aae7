"""Loading a trained adapter onto its base model: safetensors only, and only onto the model it was made for."""

import json
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tailor.errors import WorkbenchError
from tailor.models.catalog import ModelSource

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"


def load_adapter(model: Any, folder: Path, base: str = "") -> Any:
    """Put the PEFT adapter in `folder` onto `model`.

    Args:
        base: the base model's name; compared with the one the adapter was made for.

    Raises:
        WorkbenchError: files are missing or damaged, or the adapter belongs to another base model.
    """
    made_for = _read_config(folder).get("base_model_name_or_path")
    if base and made_for and made_for != base:
        raise WorkbenchError(
            f"the adapter in {folder} was made for {made_for}, not for {base}",
            "an adapter of this base model",
            f"load {made_for}, or tune {base}",
        )
    from peft import PeftModel

    try:
        with quiet():
            return PeftModel.from_pretrained(model, str(folder), use_safetensors=True).eval()
    except Exception as error:  # safetensors and peft each raise their own kinds; all mean unusable files
        raise WorkbenchError(
            f"the adapter in {folder} does not fit its base model ({_first_line(error)})",
            f"{WEIGHTS} and {CONFIG} as tuning wrote them",
            "delete the run's folder and run 07_tune again",
        ) from error


def task_type(base: ModelSource) -> str:
    """What PEFT calls the model's task; an encoder's classification head is new, and PEFT trains and saves it too."""
    kinds = {"encoder": "SEQ_CLS", "encoder-decoder": "SEQ_2_SEQ_LM"}
    return kinds.get(base.architecture, "CAUSAL_LM")


def apart_from_head(model: Any) -> dict[str, Any]:
    """What PEFT must be told of an encoder's new head: to train and save it whole, and to put no adapter into it.

    PEFT knows a head by the names "classifier" and "score" alone; some models have more layers there.
    """
    from tailor.models.parts import new_head_modules

    if not (names := new_head_modules(model)):
        return {}
    inside = "|".join(re.escape(name) for name in names)
    return {"modules_to_save": names, "exclude_modules": rf"(?:{inside})(?:\..*)?"}


def _read_config(folder: Path) -> dict[str, Any]:
    missing = [name for name in (WEIGHTS, CONFIG) if not (folder / name).exists()]
    problem = f"{missing[0]} is missing" if missing else ""
    if not problem:
        try:
            return json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            problem = f"{CONFIG} cannot be read: {error}"
    raise WorkbenchError(
        f"the adapter in {folder} is incomplete ({problem})",
        f"{WEIGHTS} and {CONFIG} as tuning wrote them",
        "run 07_tune again",
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


@contextmanager
def quiet() -> Iterator[None]:
    """Silence what peft makes transformers say about its own next version, which no user can act on."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        # said of every PiSSA adapter, which is converted as it advises
        warnings.filterwarnings("ignore", "PiSSA changes the base weights", UserWarning)
        yield
