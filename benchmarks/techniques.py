"""Every technique with its defaults on both demos, and the search that found defaults for the prompt learners.

    .venv/bin/python benchmarks/techniques.py table [--demos bank_support bank_intents] [--rows 600] [--json FILE]
    .venv/bin/python benchmarks/techniques.py search prompt_tuning [--set learning_rate=0.003,0.03,0.3] [--json FILE]
    .venv/bin/python benchmarks/techniques.py page --work FOLDER > docs/defaults.md

`table` tells for each technique: the headline metric on the test rows with its 95% interval, seconds, peak memory,
trained parameters, file size, and forgetting (bits per character more on general text than the base model needs).
`search` tells loss and metric on validation rows, which the table never sees; `page` writes down all searches of a
work folder. Each model is made in a process of its own,
so that memory is its own; the projects stay in --work, so that an interrupted run goes on where it stood.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tailor.blocks import Table
from tailor.files import write_json
from tailor.plain import to_text

DEMOS = ("bank_support", "bank_intents")
LEFT_OUT = {"transfer", "setfit", "encoder_classifier"}
"""Techniques that start from another tuned model or need an encoder; benchmarks/quality.py measures the latter."""
SEARCHED: dict[str, list[dict[str, list]]] = {
    "prompt_tuning": [
        {"learning_rate": [0.01, 0.03, 0.1, 0.3], "epochs": [3, 10], "virtual_tokens": [20]},
        {
            "learning_rate": [0.1],
            "epochs": [10],
            "virtual_tokens": [20],
            "start_from": ["text", "labels", "random"],
        },
        {"learning_rate": [0.1], "epochs": [10], "virtual_tokens": [5, 50]},
        {"learning_rate": [0.1, 0.3], "epochs": [10], "virtual_tokens": [100]},
    ],
    "p_tuning": [
        {"learning_rate": [0.001, 0.003, 0.01, 0.03], "epochs": [10], "virtual_tokens": [20]},
        {"learning_rate": [0.003], "epochs": [10], "virtual_tokens": [20], "encoder": ["lstm"]},
        {"learning_rate": [0.01, 0.03], "epochs": [10], "virtual_tokens": [50]},
    ],
    "prefix_tuning": [
        {"learning_rate": [0.01, 0.03, 0.1], "epochs": [10]},
        {"learning_rate": [0.03], "epochs": [10], "virtual_tokens": [30]},
    ],
    "lora": [
        {"learning_rate": [0.002, 0.003, 0.005, 0.01], "epochs": [3, 6]},
        {"epochs": [3], "rank": [4, 64]},
        {"epochs": [3], "start": ["pissa"]},
        {"epochs": [3], "decompose": [True]},
    ],
    "adalora": [{"epochs": [3], "learning_rate": [0.005, 0.02, 0.05]}],
    "ia3": [{"epochs": [3, 6], "learning_rate": [0.01, 0.03, 0.1, 0.3]}],
    "bottleneck": [{"epochs": [3], "learning_rate": [0.0005, 0.002, 0.005, 0.01]}],
    "layer_norm": [{"epochs": [3], "learning_rate": [0.003, 0.01, 0.03, 0.1]}],
    "last_layers": [{"epochs": [3], "learning_rate": [0.0005, 0.001, 0.003, 0.006, 0.012]}],
    "full": [{"epochs": [3, 6], "learning_rate": [0.0003, 0.001, 0.003]}],
    "layerwise": [{"epochs": [3], "layer_decay": [0.65, 0.8, 0.9]}],
    "larc": [{"epochs": [3], "learning_rate": [0.03, 0.1, 0.3, 1.0], "trust": [0.001, 0.005]}],
}
"""What is tried: every combination of each of a technique's grids."""


PAGE = """# What the techniques reach with their defaults, and how these were found

On `tailor-base` with 400 training rows of a demo. The first two tables are of 100 test rows: accuracy in percent
(bank_intents) or chrF (bank_support) with its 95% interval, peak memory while training, trained numbers, file, and
forgetting in bits per character of general text. The searches below them are of validation rows, which the tests never
see: loss (nats for each learned token, the lowest on the way) and metric of 150 rows; what is not named stood at its
default. They show all runs of these searches, what failed too; bold is what became the default. What cannot run on
tailor-base, or was not run on a demo, has no line. Made by `python benchmarks/techniques.py` (`table`, `search`, and
`page` for this).

More passes helped LoRA, (IA)³, full fine-tuning and prompt tuning, so epochs go by the number of rows (`least_steps`)
for all: 400 rows are read 6 times, by soft prompts 10 times. On labels soft prompts bring the loss down as far as the
labels' form and frequency can, and no farther: the frozen model is too small to sort questions that it cannot sort
untuned, as the paper on prompt tuning found for small models. Free answers they do learn.

These are rates for a model of nine million parameters. Large models want smaller ones: `learning_rate_test` in 07 finds
yours.

"""


# --- one model, in its own process ---------------------------------------------------------------------------------
def make_one(demo: str, technique: str, changes: dict[str, Any], split: str, rows: int) -> dict[str, Any]:
    """Make a model and measure it; returns plain figures, or {"blocked": why}."""
    from tailor.data.dataset import Dataset
    from tailor.errors import WorkbenchError
    from tailor.evaluation.evaluate import EvaluationSettings, Evaluator
    from tailor.evaluation.forgetting import bits_per_character, read_passages
    from tailor.machine import peak_memory_gib
    from tailor.progress import Log
    from tailor.project import Project
    from tailor.records import ProjectRecord
    from tailor.techniques import find_technique
    from tailor.training.runs import load_run, make_run

    project = Project(demo)
    dataset, chosen = Dataset.open(project), project.load(ProjectRecord, "project.json")
    try:
        config = find_technique(technique).Config(**changes)
        run = make_run(
            project, technique, config, dataset, base=chosen.base_model, seed=chosen.seed, log=Log()
        )
    except WorkbenchError as error:
        return {"blocked": error.found}
    training_peak = peak_memory_gib()
    evaluator = Evaluator(project, dataset, split, EvaluationSettings(max_rows=rows), chosen.seed, Log())
    found = evaluator.run(run.id)
    text = bits_per_character(load_run(project, run.id, dataset), read_passages())
    best = found.metrics[found.headline]
    return {
        "asked": {"demo": demo, "technique": technique, "settings": changes, "split": split},
        "metric": found.headline,
        "value": best.value,
        "loss": min((point.value for point in run.curves.get("validation loss", [])), default=None),
        "low": best.low,
        "high": best.high,
        "seconds": run.measured["seconds"],
        "peak_gib": training_peak,
        "answers_per_second": found.measured.get("prompts_per_second"),
        "trainable_parameters": run.trainable_parameters,
        "bytes": run.bytes,
        "bits_per_character": text.value if text else None,
    }


def ask(
    work: Path, demo: str, technique: str, changes: dict[str, Any], split: str, rows: int
) -> dict[str, Any]:
    """`make_one` in a process of its own, or what it gave before."""
    name = "-".join([demo, technique, split, *(f"{key}={value}" for key, value in changes.items())])
    kept = work / "figures" / f"{name}.json"
    if not kept.exists():
        asked = json.dumps([demo, technique, changes, split, rows])
        command = [sys.executable, __file__, "one", asked, "--out", str(kept)]
        done = subprocess.run(command, env=_environment(work), capture_output=True, text=True)
        if done.returncode:
            return {"blocked": done.stderr.strip().splitlines()[-1]}
    return json.loads(kept.read_text(encoding="utf-8"))


def prepare(work: Path, demo: str, rows: int) -> None:
    """The demo's project up to 04_format_data; does nothing where it stands already."""
    command = [sys.executable, "-m", "tailor.cli", "run", "--project", demo, "--to", "04_format_data"]
    command += ["--set", f"04_format_data.max_train_rows={rows}"]
    subprocess.run(command, env=_environment(work), check=True, stdout=sys.stderr)


def _environment(work: Path) -> dict[str, str]:
    return os.environ | {"TAILOR_HOME": str(work)}


# --- the two tables ------------------------------------------------------------------------------------------------
def table(work: Path, demos: list[str], test_rows: int, only: list[str]) -> dict[str, Any]:
    from tailor.techniques import TECHNIQUES

    figures: dict[str, Any] = {}
    names = [name for name in only or TECHNIQUES if name not in LEFT_OUT]
    for demo in demos:
        lines = []
        for name in names:
            found = ask(work, demo, name, {}, "test", test_rows)
            figures[f"{demo}/{name}"] = found
            lines.append(_line(name, found, figures.get(f"{demo}/zero_shot", {})))
            print(f"{demo} {lines[-1]}", file=sys.stderr, flush=True)
        columns = ["technique", "score", "seconds", "peak GiB", "trained", "file", "forgetting"]
        print(
            to_text(Table(columns, lines, f"{demo}: forgetting in bits per character", show=99)), flush=True
        )
    return figures


def _line(name: str, found: dict[str, Any], base: dict[str, Any]) -> list[str]:
    if "blocked" in found:
        return [name, found["blocked"], "", "", "", "", ""]
    scale = 1 if found["metric"] == "chrf" else 100
    value, low, high = (found[key] * scale for key in ("value", "low", "high"))
    bits, before = found["bits_per_character"], base.get("bits_per_character")
    return [
        name,
        f"{value:.1f} ({low:.1f} to {high:.1f})",
        f"{found['seconds']:.0f}",
        f"{found['peak_gib']:.2f}",
        f"{found['trainable_parameters']:,}",
        f"{found['bytes'] / 1e6:.2f} MB",
        f"{bits - before:+.3f}" if bits is not None and before is not None else "",
    ]


def search(
    work: Path, demos: list[str], technique: str, grids: list[dict[str, list]], rows: int
) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for grid in grids:
        for values in itertools.product(*grid.values()):
            changes = dict(zip(grid, values, strict=True))
            for demo in demos:
                found = ask(work, demo, technique, changes, "validation", rows)
                figures[f"{technique}/{_told(changes)}/{demo}"] = found
                print(f"{demo} {technique} {_told(changes)}: {_line('', found, {})[1]}", file=sys.stderr)
    return figures


def _told(changes: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in changes.items())


def page(work: Path) -> str:
    """The tables and searches of a work folder, in Markdown: of searches the lowest loss first, the default bold."""
    from tailor.techniques import TECHNIQUES

    read = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(work.glob("figures/*.json"))]
    found = [each for each in read if "asked" in each]
    parts = [PAGE]
    for demo in DEMOS:
        tested = {f["asked"]["technique"]: f for f in found if _is_of(f, "test", "demo", demo)}
        if tested:
            parts.append(f"## {demo}\n\n")
            parts += _markdown(["technique", "score", "peak GiB", "trained", "file", "forgetting"],
                               [_tested_line(name, tested) for name in TECHNIQUES if name in tested])  # fmt: skip
    for name, technique in TECHNIQUES.items():
        tried = [f for f in found if _is_of(f, "validation", "technique", name)]
        if tried:
            usual = technique.Config()
            ordered = sorted(tried, key=lambda f: (f["asked"]["demo"], f["loss"]))
            parts.append(f"## Search: {technique.title}\n\n")
            parts += _markdown(
                ["demo", "settings", "loss", "metric"], [_page_line(f, usual) for f in ordered]
            )
    return "".join(parts).rstrip() + "\n"


def _is_of(found: dict[str, Any], split: str, key: str, value: str) -> bool:
    return found["asked"]["split"] == split and found["asked"][key] == value


def _tested_line(name: str, tested: dict[str, dict[str, Any]]) -> list[str]:
    title, score, _, *rest = _line(name, tested[name], tested.get("zero_shot", {}))
    return [title, score, *rest]


def _markdown(columns: list[str], lines: list[list[str]]) -> list[str]:
    rows = [columns, ["---"] * len(columns), *lines]
    return [*(f"| {' | '.join(row)} |\n" for row in rows), "\n"]


def _page_line(found: dict[str, Any], usual: Any) -> list[str]:
    asked = found["asked"]
    told = _told(asked["settings"])
    if all(getattr(usual, name) == value for name, value in asked["settings"].items() if name != "epochs"):
        told = f"**{told}**"
    return [asked["demo"], told, f"{found['loss']:.3f}", _line("", found, {})[1]]


def _grid(changes: list[str], technique: str) -> list[dict[str, list]]:
    given = dict(item.split("=", 1) for item in changes)
    parsed = {name: [json.loads(v) if v[0] in "-0123456789tf" else v for v in values.split(",")]
              for name, values in given.items()}  # fmt: skip
    return [parsed] if parsed else SEARCHED[technique]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=("table", "search", "page", "one"))
    parser.add_argument("technique", nargs="*", help="search: which one; table: only these")
    parser.add_argument("--demos", nargs="+", default=list(DEMOS))
    parser.add_argument("--rows", type=int, default=600, help="training rows; 0 for all")
    parser.add_argument("--test-rows", type=int, default=150)
    parser.add_argument("--set", action="append", default=[], metavar="SETTING=A,B", help="search: its grid")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "tailor-techniques")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.what == "one":
        write_json(chosen.out, make_one(*json.loads(chosen.technique[0])))
        return
    if chosen.what == "page":
        print(page(chosen.work), end="")
        return
    chosen.work.mkdir(parents=True, exist_ok=True)
    for demo in chosen.demos:
        prepare(chosen.work, demo, chosen.rows)
    if chosen.what == "table":
        figures = table(chosen.work, chosen.demos, chosen.test_rows, chosen.technique)
    else:
        figures = {}
        for name in chosen.technique or SEARCHED:
            grids = _grid(chosen.set, name)
            figures |= search(chosen.work, chosen.demos, name, grids, chosen.test_rows)
    if chosen.json:
        write_json(chosen.json, figures)


if __name__ == "__main__":
    main()
