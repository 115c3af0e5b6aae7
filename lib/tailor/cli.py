"""The command `tailor`: lab, run, status, settings, history, report, harness, prompts, demos.

`./workbench` passes its words on to it.
"""

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tailor import __version__
from tailor.errors import WorkbenchError
from tailor.run_choices import DEMO, check_exists, choose_steps, demos, open_project

if TYPE_CHECKING:
    from tailor.project import Project
    from tailor.runner import Outcome

STOPPED = 130


def main(argv: list[str] | None = None) -> int:
    """Run one command. Returns the exit code: 0, 1 after an error, 130 after Ctrl-C or SIGTERM."""
    arguments = _parser().parse_args(argv)
    return guarded(lambda: arguments.command(arguments))


def guarded(work: Callable[[], int | None]) -> int:
    """Do `work`, telling errors as a person reads them. Returns the exit code."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        return work() or 0
    except WorkbenchError as error:
        print(_told(error), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped. Finished steps are kept; the same command goes on from here.", file=sys.stderr)
        return STOPPED


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def _told(error: WorkbenchError) -> str:
    """The error's three lines; where a notebook stopped, also which cell and where its executed copy is."""
    from tailor.execution import StepFailed

    if not isinstance(error, StepFailed):
        return str(error)
    return f"{error.headline}\n{error}\nThe executed copy: {_short(error.copy)}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tailor", description="Customize a language model, step by step.")
    parser.add_argument("--version", action="version", version=f"tailor {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    lab = commands.add_parser("lab", help="open the notebooks in JupyterLab")
    lab.add_argument(
        "options", nargs=argparse.REMAINDER, help="passed on to JupyterLab, such as --no-browser"
    )
    lab.set_defaults(command=_lab)

    _add_run(commands.add_parser("run", help="run the series headless; finished steps are skipped"))

    status = commands.add_parser("status", help="where each step stands, and why")
    _add_project(status)
    status.set_defaults(command=_status)

    settings = commands.add_parser("settings", help="every setting of a step: default, bounds, unit, source")
    settings.add_argument("step", help="03_clean_data, clean_data or 03")
    _add_project(settings)
    settings.set_defaults(command=_settings)

    _add_history(
        commands.add_parser("history", help="the cleaning history: print, save, load, or run on a file")
    )

    report = commands.add_parser("report", help="write the HTML report of what has been done so far")
    _add_project(report)
    report.set_defaults(command=_report)

    _add_harness(
        commands.add_parser("harness", help="tasks of the lm-evaluation-harness on the base model and a run")
    )

    _add_prompts(
        commands.add_parser("prompts", help="soft prompts of several projects in one file: list, add, export")
    )

    demos = commands.add_parser("demos", help="list the demo projects")
    demos.set_defaults(command=_demos)
    return parser


def _add_project(parser: argparse.ArgumentParser, default: str | None = DEMO) -> None:
    text = f"folder under outputs/ (default: {DEMO})"
    parser.add_argument("--project", "-p", default=default, metavar="NAME", help=text)


def _add_harness(harness: argparse.ArgumentParser) -> None:
    harness.add_argument("tasks", nargs="+", help="names of its tasks, such as arc_easy")
    _add_project(harness)
    harness.add_argument("--run", default="", metavar="ID", help="a run (default: the best of 10_evaluate)")
    harness.add_argument("--rows", type=int, default=0, help="at most this many rows of each task")
    harness.add_argument("--tasks-folder", type=Path, help="more tasks, as YAML files; code in them is run")
    harness.set_defaults(command=_harness)


def _add_prompts(prompts: argparse.ArgumentParser) -> None:
    prompts.add_argument("table", type=Path, help="the file, such as shared.safetensors; --add makes it")
    prompts.add_argument("--add", action="store_true", help="add the project's soft prompt, or replace it")
    _add_project(prompts)
    prompts.add_argument("--run", default="", metavar="ID", help="a run of the project (default: 07's)")
    prompts.add_argument("--name", default="", metavar="TASK", help="its name there (default: the project's)")
    prompts.add_argument("--export", default="", metavar="TASK", help="write this task alone ...")
    prompts.add_argument("--to", type=Path, metavar="FILE", help="... to this file")
    prompts.set_defaults(command=_prompts)


def _add_run(run: argparse.ArgumentParser) -> None:
    run.add_argument("blueprint", nargs="?", type=Path, help="repeat the choices of a blueprint.yaml")
    _add_project(run, default=None)
    run.add_argument(
        "--data",
        nargs="+",
        action="extend",
        metavar="FILE",
        help="CSV, TSV, JSON, JSONL, Parquet, Excel or a folder",
    )
    run.add_argument("--model", metavar="NAME", help="bundled model, Hugging Face id or local folder")
    run.add_argument("--task", choices=("respond", "classify"), help="what the model should do")
    run.add_argument(
        "--set",
        action="append",
        default=[],
        dest="changes",
        metavar="STEP.SETTING=VALUE",
        help="change a setting; repeatable",
    )
    run.add_argument("--engine", metavar="NAME", help="where 03 cleans: here, or dask for Dask's workers")
    run.add_argument("--from", dest="first", metavar="STEP", help="first step to run")
    run.add_argument("--to", dest="last", metavar="STEP", help="last step to run")
    run.add_argument("--only", metavar="STEP", help="run one step")
    run.add_argument("--force", action="store_true", help="run finished steps as well")
    run.set_defaults(command=_run)


def _add_history(history: argparse.ArgumentParser) -> None:
    _add_project(history)
    history.add_argument("--save", type=Path, metavar="FILE.json", help="export the list")
    history.add_argument(
        "--load",
        type=Path,
        metavar="FILE",
        help="take a list over: Tailor's own (JSON, YAML) replaces the project's, OpenRefine's is done after it",
    )
    history.add_argument("--clean", type=Path, metavar="FILE", help="run the list on another file ...")
    history.add_argument(
        "--to", type=Path, metavar="FILE", help="... and write the rows here (.parquet, .csv, .jsonl)"
    )
    history.set_defaults(command=_history)


# --- run -------------------------------------------------------------------------------------------------------
def _run(arguments: argparse.Namespace) -> int:
    from tailor.machine import use_cores_politely
    from tailor.runner import run_series

    use_cores_politely()
    start = time.perf_counter()
    steps = choose_steps(arguments.first, arguments.last, arguments.only)
    project = open_project(arguments)
    print(f"Project {project.name}, in {_short(project.folder)}", file=sys.stderr, flush=True)
    outcomes = run_series(project, steps, force=arguments.force)
    _print_end(project, outcomes, time.perf_counter() - start)
    return 0


def _print_end(project: "Project", outcomes: list["Outcome"], seconds: float) -> None:
    from tailor.plain import to_text

    if project.path("comparison.json").exists():
        from tailor.report import write_report
        from tailor.report_cards import summary_table

        print(to_text(summary_table(project)), end="\n\n")
        print(f"report              {_short(write_report(project))}")
    places = (("tuned model", "export"), ("executed notebooks", "notebooks"), ("choices", "blueprint.yaml"))
    for label, relative in places:
        if project.path(relative).exists():
            print(f"{label:18s}  {_short(project.path(relative))}")
    ran = sum(outcome.did == "ran" for outcome in outcomes)
    skipped = len(outcomes) - ran
    print(f"{ran} steps ran, {skipped} were up to date; {seconds:.1f} s in all.")


# --- the other commands ----------------------------------------------------------------------------------------
def _status(arguments: argparse.Namespace) -> None:
    from tailor.driving import last_run
    from tailor.project import Project
    from tailor.terminal import states_text

    project = Project(arguments.project)
    check_exists(project)
    print(states_text(project.states()))
    if told := last_run(project):
        print(f"\n{told}")


def _settings(arguments: argparse.Namespace) -> None:
    from tailor.project import Project
    from tailor.series import find_step
    from tailor.terminal import settings_text

    step = find_step(arguments.step)
    print(settings_text(step.name, Project(arguments.project).settings_model(step)))


def _prompts(arguments: argparse.Namespace) -> None:
    from tailor.plain import to_text
    from tailor.project import Project
    from tailor.serving.prompt_tables import change_table

    project = Project(arguments.project)
    if arguments.add:
        check_exists(project)
    added = (project, arguments.name, arguments.run) if arguments.add else None
    print(to_text(change_table(arguments.table, added, arguments.export, arguments.to)))


def _history(arguments: argparse.Namespace) -> None:
    from tailor.data.cleaning.history import History
    from tailor.data.cleaning.replay import clean_file, take_over
    from tailor.progress import Log
    from tailor.project import Project
    from tailor.series import find_step

    project = Project(arguments.project)
    if bool(arguments.clean) != bool(arguments.to):
        raise WorkbenchError(
            "one of --clean and --to without the other",
            "both or none",
            "name the file to read and the one to write",
        )
    if arguments.load:
        loaded = take_over(project, arguments.load)
        many = len(loaded.operations)
        told = "1 entry was" if many == 1 else f"{many} entries were"
        print(f"{told} taken over into {_short(project.blueprint_path)}")
        print("".join(f"{note}\n" for note in loaded.notes), end="")
    if arguments.clean:
        read, kept = clean_file(project, arguments.clean, arguments.to, Log())
        print(f"{read:,} rows were read, {kept:,} written to {_short(arguments.to)}")
    history = History(project.settings(find_step("03")).operations)
    if arguments.save:
        history.save(arguments.save)
        print(f"{len(history.operations)} entries were written to {_short(arguments.save)}")
    if not (arguments.load or arguments.clean or arguments.save):
        print(history.to_yaml(), end="")


def _report(arguments: argparse.Namespace) -> None:
    from tailor.project import Project
    from tailor.report import write_report

    project = Project(arguments.project)
    check_exists(project)
    print(_short(write_report(project)))


def _harness(arguments: argparse.Namespace) -> None:
    from tailor.evaluation.harness import run_harness
    from tailor.plain import to_text
    from tailor.project import Project

    project = Project(arguments.project)
    check_exists(project)
    folder, rows = arguments.tasks_folder, arguments.rows
    print(to_text(run_harness(project, arguments.tasks, run=arguments.run, rows=rows, folder=folder)))


def _demos(arguments: argparse.Namespace) -> None:
    for name in demos():
        print(name)


def _lab(arguments: argparse.Namespace) -> None:
    """Become JupyterLab, showing the first notebook."""
    from tailor.machine import use_cores_politely
    from tailor.project import home
    from tailor.runner import notebooks_folder

    use_cores_politely()  # kernels inherit it
    root = notebooks_folder().parent
    os.environ.setdefault("TAILOR_HOME", str(home()))
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={root}"]
    command.append("--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    sys.stdout.flush()
    os.execv(sys.executable, [*command, *arguments.options])


def _short(path: Path) -> str:
    """A path as seen from the folder the command was given in, when it lies below it."""
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except ValueError:
        return str(path)


if __name__ == "__main__":
    sys.exit(main())
