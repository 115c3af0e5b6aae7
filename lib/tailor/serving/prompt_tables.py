"""A prompt table that several projects share: one small file with each one's soft prompt, beside one frozen base model.

tailor prompts shared.safetensors --add --project bank_support     # under the project's name
tailor prompts shared.safetensors --add --project claims --name letters
tailor prompts shared.safetensors --export letters --to letters.safetensors
"""

from pathlib import Path

from tailor.blocks import Table
from tailor.errors import WorkbenchError
from tailor.evaluation.results import show_bytes
from tailor.models.prompt_table import FILE, PromptTable, add_task
from tailor.project import Project
from tailor.records import Tuned


def change_table(path: Path, added: tuple[Project, str, str] | None, export: str, to: Path | None) -> Table:
    """The command `tailor prompts`: add, export, and show the table that was written or named.

    Args:
        added: as `add_run` takes them.
        export, to: a task, and the file in which it shall stand alone.
    """
    if bool(export) != bool(to):
        raise WorkbenchError(
            "--export and --to go together", "the task's name, and the file to write", "give both, or neither"
        )
    if added:
        add_run(path, *added)
    if to:
        PromptTable.load(path).export(export).save(to)
    return table_of(to or path)


def add_run(path: Path, project: Project, name: str = "", run: str = "") -> list[str]:
    """Add a run's soft prompt to the table at `path`; the other tasks' numbers stay as they are, to the bit.

    Args:
        path: a safetensors file, made where there is none.
        name: what the task is called there; empty takes the project's name.
        run: empty takes 07's.

    Returns:
        The names under which it stands there: one, or several for a run that learned several tasks.

    Raises:
        WorkbenchError: the run has no soft prompt, or the table is for another base model.
    """
    from tailor.training.runs import read_run, run_folder

    record = read_run(project, run or project.load(Tuned, "tuned.json").run)
    source = run_folder(project, record.id) / "model" / FILE
    name = name or project.name
    if not source.exists():
        raise WorkbenchError(
            f"run {record.id} has no soft prompt: {record.title} keeps what it learned in another form",
            "a run of prompt_tuning, p_tuning or multitask_prompt",
            "choose one of these in 06_choose_technique and run 07_tune, or name a run with --run",
        )
    if "/" in name:
        raise WorkbenchError(f"a task cannot be called '{name}'", "a name without '/'", "choose another name")
    found = PromptTable.load(source)
    names = {task: name if len(found.tasks) == 1 else f"{name}: {task}" for task in found.tasks}
    renamed = PromptTable(
        found.base,
        {names[task]: rows for task, rows in found.tasks.items()},
        {names[task]: head for task, head in found.heads.items()},
    )
    add_task(path, renamed)
    return list(names.values())


def table_of(path: Path) -> Table:
    """What a prompt table holds."""
    found = PromptTable.load(path)
    rows = [
        (name, f"{len(tokens):,}", show_bytes(tokens.numel() * tokens.element_size()))
        for name, tokens in found.tasks.items()
    ]
    caption = f"{path.name}: soft prompts for {found.base}, {show_bytes(path.stat().st_size)} in all"
    return Table(("task", "virtual tokens", "size"), rows, caption)
