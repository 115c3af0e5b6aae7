"""The prompt table: the soft prompts of many tasks on one frozen base model, in one small safetensors file.

A task is a name and its virtual tokens, [n, d]. Adding one leaves the bytes of the others' numbers as they are, and
rows of different tasks can share a batch, because every task's tokens have ids of their own
(`tailor.models.virtual_tokens`).
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tailor.errors import WorkbenchError, did_you_mean
from tailor.files import writing

if TYPE_CHECKING:
    import torch

    from tailor.models.virtual_tokens import SoftPromptModel

FILE = "prompt_table.safetensors"


@dataclass
class PromptTable:
    """Task name -> virtual tokens [n, d], all for one base model.

    Attributes:
        base: the base model's name.
        heads: task name -> tensors by name, of an encoder's classification head; empty for models that write.
    """

    base: str
    tasks: "dict[str, torch.Tensor]" = field(default_factory=dict)
    heads: "dict[str, dict[str, torch.Tensor]]" = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> "PromptTable":
        """Read a table.

        Raises:
            WorkbenchError: there is none, or it is damaged.
        """
        from safetensors import safe_open

        try:
            with safe_open(str(path), framework="pt") as file:
                table = cls(file.metadata()["base"])
                for name in sorted(file.keys()):
                    kind, task, *rest = name.split("/", 2)
                    if kind == "head":
                        table.heads.setdefault(task, {})[rest[0]] = file.get_tensor(name)
                    else:
                        table.tasks[task] = file.get_tensor(name)
        except Exception as error:  # safetensors has its own kinds; a missing key means the same
            raise WorkbenchError(
                f"{path} cannot be read as a prompt table ({str(error).splitlines()[0]})",
                "the safetensors file that prompt tuning wrote",
                "run 07_tune again, or name another file",
            ) from None
        return table

    def save(self, path: Path) -> None:
        """Write the table whole or not at all."""
        from safetensors.torch import save_file

        tensors = {f"task/{task}": rows.contiguous() for task, rows in self.tasks.items()}
        for task, head in self.heads.items():
            tensors |= {f"head/{task}/{name}": weight.contiguous() for name, weight in head.items()}
        with writing(path) as temporary:
            save_file(tensors, str(temporary), metadata={"base": self.base})

    def task(self, name: str) -> "torch.Tensor":
        """The virtual tokens of a task, [n, d].

        Raises:
            WorkbenchError: no such task.
        """
        if name not in self.tasks:
            raise WorkbenchError(
                f"the prompt table has no task '{name}'",
                f"one of: {', '.join(self.tasks) or 'none, it is empty'}",
                f"correct the name, or tune a soft prompt for it.{did_you_mean(name, self.tasks)}",
            )
        return self.tasks[name]

    def export(self, name: str) -> "PromptTable":
        """A table with one task alone."""
        heads = {name: self.heads[name]} if name in self.heads else {}
        return PromptTable(self.base, {name: self.task(name)}, heads)

    def check_base(self, base: str, width: int) -> None:
        """Raises WorkbenchError where the table was made for another model; one of another width is told as such."""
        found = next(iter(self.tasks.values())).shape[1] if self.tasks else width
        if self.base != base and found == width:
            raise WorkbenchError(
                f"the prompt table was made for {self.base}, not for {base}",
                "the base model on which the soft prompts were tuned",
                f"choose {self.base}, or tune again on {base}",
            )
        if found != width:
            raise WorkbenchError(
                f"the prompt table was made for {self.base}, whose vectors have {found} numbers; those of {base} have "
                f"{width}",
                "the base model on which the soft prompts were tuned",
                f"choose {self.base}, or tune again on {base}",
            )


def add_task(path: Path, other: PromptTable) -> PromptTable:
    """Add the tasks of `other` to the table at `path` (made if it is not there); a task of the same name is replaced.

    Raises:
        WorkbenchError: the two were made for different base models.
    """
    table = PromptTable.load(path) if path.exists() else PromptTable(other.base)
    if table.base != other.base:
        raise WorkbenchError(
            f"{path.name} holds soft prompts for {table.base}, and the new one is for {other.base}",
            "one table for each base model",
            "name another file",
        )
    table.tasks |= other.tasks
    table.heads |= other.heads
    table.save(path)
    return table


class TableModel:
    """One frozen base model that answers for every task of a table; rows of different tasks share a batch.

    Args:
        model: the base decoder; its input embedding is wrapped.
        tokenizer: its tokenizer.
    """

    def __init__(self, model: Any, tokenizer: Any, table: PromptTable) -> None:
        import torch

        from tailor.models.virtual_tokens import SoftPromptModel, Table, TaskPrefix, attach

        table.check_base(table.base, model.get_input_embeddings().weight.shape[1])
        first = attach(model, Table(torch.cat(list(table.tasks.values()))))
        self._models: dict[str, SoftPromptModel] = {}
        for name, rows in table.tasks.items():
            self._models[name] = SoftPromptModel(model, tokenizer, TaskPrefix(first, len(rows)))
            first += len(rows)

    def model(self, task: str) -> "SoftPromptModel":
        """The language model of one task."""
        return self._models[task]

    def score(self, tasks: list[str], prompts: list, completions: list[str]) -> list[float]:
        """Log-probability (nats) of each completion after its prompt in its own task, all in the same batches."""
        import torch

        each = [self._models[task] for task in tasks]
        answers = [m.answer_ids(p, c) for m, p, c in zip(each, prompts, completions, strict=True)]
        starts = [m.encode(p, len(a)) for m, p, a in zip(each, prompts, answers, strict=True)]
        with torch.inference_mode():
            return each[0].score_ids(starts, answers) if each else []
