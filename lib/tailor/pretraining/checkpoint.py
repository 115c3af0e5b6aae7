"""Where a pre-training run stands, written whole or not at all, so that it can be ended at any moment and go on."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tailor.errors import WorkbenchError

if TYPE_CHECKING:
    from tailor.pretraining.loop import Learner, Schedule
    from tailor.pretraining.packing import Mixture


@dataclass
class Progress:
    """Where a run stands. Kept in the checkpoint and in the log."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    losses: list[float] = field(default_factory=list)

    def share(self, schedule: Schedule) -> float:
        if schedule.steps is not None:
            return min(1.0, self.step / schedule.steps)
        return min(1.0, self.seconds / schedule.seconds)


def save_checkpoint(folder: Path, learner: Learner, progress: Progress, mixture: Mixture) -> None:
    """Write ``folder`` whole or not at all: a new folder is filled and then takes the old one's place."""
    import torch
    from safetensors.torch import save_file

    new = folder.with_name(folder.name + ".new")
    old = folder.with_name(folder.name + ".old")
    for leftover in (new, old):
        shutil.rmtree(leftover, ignore_errors=True)
    new.mkdir(parents=True)
    save_file(learner.state(), new / "weights.safetensors")
    torch.save([o.state_dict() for o in learner.optimizers], new / "optimizers.pt")
    position = {"progress": asdict(progress), "tokens_taken": mixture.tokens_taken}
    (new / "position.json").write_text(json.dumps(position))
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def load_checkpoint(folder: Path, learner: Learner, mixture: Mixture) -> Progress:
    """Put weights, optimizers and data position back as they were saved.

    Raises:
        WorkbenchError: a file of the checkpoint is missing or damaged.
    """
    import torch
    from safetensors.torch import load_file

    if not folder.exists() and (old := folder.with_name(folder.name + ".old")).exists():
        old.rename(folder)  # the run was ended between the two renames
    try:
        weights = load_file(folder / "weights.safetensors")
        optimizers = torch.load(folder / "optimizers.pt", weights_only=True)
        position = json.loads((folder / "position.json").read_text())
    except Exception as error:  # torch, safetensors and json each raise their own kinds
        raise WorkbenchError(
            found=f"the checkpoint {folder} can't be read: {error}.",
            needed="weights.safetensors, optimizers.pt and position.json, all whole.",
            fix=f"Delete {folder} to start this run again from its beginning.",
        ) from error
    with torch.no_grad():
        for name, weight in zip(learner.names, learner.master, strict=True):
            weight.copy_(weights[name])
    for optimizer, state in zip(learner.optimizers, optimizers, strict=True):
        optimizer.load_state_dict(state)
    learner.sync()
    mixture.tokens_taken.update(position["tokens_taken"])
    return Progress(**position["progress"])
