"""The weights that are trained: looked at, kept aside, put back, saved. Never saved unless all are finite."""

import json
from pathlib import Path
from typing import Any

from tailor.errors import WorkbenchError


def trainable(model: Any) -> dict[str, Any]:
    """Name -> parameter of everything that training changes."""
    return {name: weight for name, weight in model.named_parameters() if weight.requires_grad}


def count(model: Any) -> dict[str, int]:
    """Figures for a run's record."""
    return {
        "trainable_parameters": sum(weight.numel() for weight in trainable(model).values()),
        "total_parameters": sum(_numbers(weight) for weight in model.parameters()),
    }


def _numbers(weight: Any) -> int:
    """How many numbers a weight holds: two in each byte where bitsandbytes keeps it in 4 bits."""
    state = getattr(weight, "quant_state", None)
    return state.shape.numel() if state is not None else weight.numel()


def all_finite(model: Any) -> bool:
    return all(bool(weight.isfinite().all()) for weight in trainable(model).values())


def save_trainable(model: Any, path: Path, base: str = "") -> None:
    """Write the trained weights alone, and for which base model they are."""
    from safetensors.torch import save_file

    tensors = {name: weight.detach().cpu().contiguous() for name, weight in trainable(model).items()}
    save_file(tensors, str(path), metadata={"base": base})


def load_trainable(model: Any, path: Path) -> None:
    """Put back what `save_trainable` wrote.

    Raises:
        WorkbenchError: the file is damaged or belongs to another model.
    """
    import torch
    from safetensors.torch import load_file

    try:
        kept = load_file(str(path))
        with torch.no_grad():
            for name, weight in trainable(model).items():
                weight.copy_(kept[name])
    except Exception as error:  # safetensors has its own kinds; a missing name or another shape mean the same
        raise WorkbenchError(
            f"{path} cannot be used ({str(error).splitlines()[0]})",
            "the weights as training wrote them",
            "delete the run's folder and run the step again",
        ) from error


def overlay(model: Any, path: Path, base: str) -> None:
    """Put weights that `save_trainable` wrote in the place of a base model's own.

    Raises:
        WorkbenchError: the file is damaged or was made for another base model.
    """
    from safetensors import safe_open

    try:
        with safe_open(str(path), framework="pt") as file:
            made_for = (file.metadata() or {}).get("base", "")
            kept = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        strange = set(kept) - set(dict(model.named_parameters()))
        if strange or (made_for and made_for != base):
            raise ValueError(f"made for {made_for or 'another model'}, not for {base}")
        model.load_state_dict(kept, strict=False)
    except Exception as error:  # safetensors and torch each raise their own kinds; all mean unusable weights
        raise WorkbenchError(
            f"{path} cannot be used ({str(error).splitlines()[0]})",
            f"the weights as tuning {base} wrote them",
            "choose the base model they were made for, or run 07_tune again",
        ) from error


def save_model(model: Any, folder: Path, base: str, **options: Any) -> None:
    """Write an adapter (or, for full fine-tuning, the model) as safetensors, the same bytes every time.

    Args:
        base: the base model's name, kept in the adapter instead of the folder it was loaded from.
        options: of `save_pretrained`.
    """
    from tailor.models.adapters import quiet
    from tailor.models.loading import without_bars

    with quiet(), without_bars():
        model.save_pretrained(str(folder), safe_serialization=True, **options)
    (folder / "README.md").unlink(missing_ok=True)
    for name in ("adapter_config.json", "config.json"):
        if (folder / name).exists():
            _tidy(folder / name, base)


def _tidy(path: Path, base: str) -> None:
    """Sort what came out of sets, and name the base model instead of a folder of this machine."""
    values = json.loads(path.read_text(encoding="utf-8"))
    for key, value in values.items():
        if (
            isinstance(value, list)
            and all(isinstance(item, str) for item in value)
            and key != "architectures"
        ):
            values[key] = sorted(value)
    if "base_model_name_or_path" in values:
        values["base_model_name_or_path"] = base
    values.pop("_name_or_path", None)
    path.write_text(json.dumps(values, indent=2, sort_keys=True) + "\n", encoding="utf-8")
