"""Write the bundled models' cards from what was measured: ``python -m tailor.pretraining.card --help``.

Every number in a card comes from a file: the corpus manifest, corpus.json and log.jsonl of the recipe, and the flat
JSON of benchmarks/base_models.py. Only the sentences are written by hand.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from tailor.models.catalog import resolve

HEAD = """---
language: en
license: cc-by-4.0
library_name: transformers
pipeline_tag: text-generation
tags: [llama, small-language-model, teaching, cpu]
---
# {name}

A small English language model, pre-trained from nothing for the Tailor workbench: Llama architecture, {parameters:,}
parameters, {layers} layers of width {width}, tied embeddings, a context of {context} tokens, and a byte-level BPE
tokenizer of 8,192 tokens in which digits stand alone. It is a base model to customize and to teach with. It has
learned the turn format of its chat template, and little else of what makes an assistant.

## What it can't do

It writes English that is mostly grammatical and often without sense. It knows hardly any facts, calculates badly,
loses the thread after a sentence or two, and is as fluent where it is wrong as where it is right. Asked to classify
by prompt alone, with or without examples, it is hardly better than guessing, and at times worse (below). Much of its
text is from before 1930 and carries that time's views of people, women and nations. It was not tuned to be safe.
Don't put it before people as it is: measure what tuning makes of it on your own data, which is what the workbench is
for. English only.
"""

TRAINING = """
## Training

{corpus_characters:,} characters of {sources} sources ({corpus_tokens:,} tokens) stood ready after whole documents of
every source had been held out by the hash of their content. In the time available the model read **{tokens:,}
tokens** of them: {steps:,} steps of 8,192 tokens, mixed with weights proportional to size to the power 0.6, in rows
of 256 tokens and of 512 in the last part. {minutes:.0f} minutes of training time on two cores of a shared server
(AMD EPYC with avx512_bf16, no accelerator; other work ran on the same cores). More time would help: the loss was
still falling.

bf16 arithmetic over fp32 weights; Muon (rate 0.006) for matrices, AdamW (rate 0.006) for embeddings and norms;
warm-up, constant rate, then a linear decay to zero over the last {decay}; seed 1. The number of steps
followed from the time there was, so a rerun on another machine gives other weights.

Second stage: {chat_steps:,} steps of 4,096 tokens at a quarter of the rates. 9,000 conversations made by rule
(`tailor.pretraining.skills`: copying, extracting, classifying among given labels, yes or no with a reason, short
questions about a passage, lists, sorting, word forms, examples to follow), with the seed tasks of Self-Instruct
(twice), the instruction rows of LLMs-from-scratch (twice) and 1,500 Taskmaster-4 dialogues; {text_share} were
first-stage text. Only the assistant's words and the end of its turn were learned. Rows that mention banking, law,
health, customers or text messages were left out by a word list; no evaluation set and no predictions of other
companies' models went in. (Some of the LLMs-from-scratch rows may have been drafted with a language model's help;
their source doesn't say.)

Recipe: `python -m tailor.pretraining.recipe --work FOLDER prepare CORPUS`, then `pretrain {name}`, `turns {name}`,
`export {name}`. It takes any folder of text files.

## Chat format

`<|system|>text<|end|><|user|>text<|end|><|assistant|>text<|end|>`. Generation stops at `<|end|>` or `<|endoftext|>`.
Encode messages with `tailor.models.encode_chat`: control tokens that stand in a person's text stay text.
"""

TEXT_MEASURES = """
## Measurements

Bits per character on held-out text (lower is better; up to 120,000 characters per source, identical for all). The
5-grams use modified Kneser-Ney smoothing (KenLM) on the same tokens. "Same text" was estimated from exactly what
this model read in its first stage; "all text" from everything that stood ready, {ratio:.1f} times what this model read.
stories260K is a 260,032-parameter Llama trained on TinyStories by A. Karpathy.

{note}
"""


def table(columns: list[str], rows: dict[str, list[float | None]], form: str) -> str:
    lines = ["| | " + " | ".join(columns) + " |", "|---|" + "---:|" * len(columns)]
    for name, values in rows.items():
        cells = ["" if v is None else format(v, form) for v in values]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def text_table(name: str, figures: dict[str, float]) -> str:
    """Return bits per character by source, and in how many of them this model is ahead of each 5-gram."""
    columns = {
        "tailor-mini": "tailor-mini", "tailor-base": "tailor-base",
        "5-gram, same text": f"5-gram, text read by {name}", "5-gram, all text": "5-gram, all text",
        "stories260K": "stories260K", "xz": "xz",
    }  # fmt: skip
    sources = sorted({key.split("/")[1] for key in figures if key.startswith("bits_per_character/")})
    get = lambda source, column: figures.get(f"bits_per_character/{source}/{column}")  # noqa: E731
    rows = {source: [get(source, column) for column in columns.values()] for source in sources}
    ahead = {
        title: sum(get(s, name) < get(s, columns[title]) for s in sources)
        for title in ("5-gram, same text", "5-gram, all text")
    }
    verdict = " and ".join(f"the {title} in {count} of {len(sources)}" for title, count in ahead.items())
    return table(list(columns), rows, ".3f") + f"\n{name} is ahead of {verdict} sources.\n"


def other_tables(figures: dict[str, float]) -> str:
    """Return accuracies and speeds of both models."""
    names = ["tailor-mini", "tailor-base"]
    groups = {"accuracy": ".3f", "tokens_per_second": ",.0f"}
    texts = []
    for group, form in groups.items():
        keys = list(dict.fromkeys(k.rpartition("/")[0] for k in figures if k.startswith(f"{group}/")))
        rows = {
            k.partition("/")[2].replace("/", ", "): [figures.get(f"{k}/{n}") for n in names] for k in keys
        }
        texts.append(table(names, rows, form))
    return (
        "\nAccuracy without and with eight examples in the prompt, labels scored by log-probability relative to an "
        "empty text; classes balanced, so guessing gives 0.5 (a value far below it means that this correction "
        "misled the model); and exact answers to new rows of the second stage's own skills:\n\n" + texts[0]
        + "\nTokens per second on two shared cores:\n\n"
        + texts[1] + "\nTwenty unedited continuations per model, greedy and sampled: "
        "[continuations.md](../continuations.md).\n"
    )  # fmt: skip


def licence_text(manifest: dict) -> str:
    """Return data, licences and the reason for the weights' own."""
    rows = [
        f"| {entry['file'].split('.txt')[0]} | {entry['source']} | {entry['licence']} |"
        for entry in sorted(manifest["files"], key=lambda entry: entry["file"])
    ]
    return (
        "\n## Data and licence\n\n| source | from | licence |\n|---|---|---|\n" + "\n".join(rows) + "\n"
        "| second stage | github.com/yizhongw/self-instruct (seed tasks); github.com/rasbt/LLMs-from-scratch "
        "| Apache-2.0 |"
        "\n\nThe weights are under **CC BY 4.0**: it is the most demanding licence among the texts that asks for "
        "anything of what is made from them (attribution), so handing the weights on with this card and "
        "[ATTRIBUTION.md](../ATTRIBUTION.md) keeps to all of them. No text under a share-alike or non-commercial "
        "licence went in, but for TinyStories, whose CDLA-Sharing-1.0 puts no condition on results of "
        "computing on it.\n"
    )


def attribution(manifest: dict) -> str:
    """Return who wrote what of the CC BY texts, with repository and commit."""
    lines = ["# Attribution of the texts that the bundled models were trained on", ""]
    for entry in sorted(manifest["files"], key=lambda entry: entry["file"]):
        commit = f", commit {entry['commit']}" if "commit" in entry else ""
        lines += [
            f"## {entry['file'].split('.txt')[0]}",
            "",
            f"{entry['source']}{commit}. {entry['licence']}.",
            "",
        ]
        for book in entry.get("repositories", []):
            lines.append(f"- OpenStax, Rice University: {book['repo']}, commit {book['commit']}, CC BY 4.0")
        lines += [f"- {author}" for author in entry.get("attribution", [])]
        lines += [f"- {work.replace('_', ', ')}" for work in entry.get("works", [])]
        lines.append("")
    return "\n".join(lines)


def run_facts(work: Path, name: str) -> dict:
    """Return steps, tokens and minutes of both stages from their logs."""
    last = [
        json.loads((work / f"{name}{s}" / "log.jsonl").read_text().splitlines()[-1]) for s in ("", "-chat")
    ]
    corpus = json.loads((work / "corpus.json").read_text())
    return {
        "steps": last[0]["step"], "tokens": last[0]["tokens"], "minutes": last[0]["seconds"] / 60,
        "chat_steps": last[1]["step"], "sources": len(corpus),
        "corpus_characters": sum(c["training_characters"] for c in corpus.values()),
        "corpus_tokens": sum(c["training_tokens"] for c in corpus.values()),
    }  # fmt: skip


def write_card(
    name: str, work: Path, figures: dict[str, float], manifest: dict, remarks: dict[str, str]
) -> None:
    """Write ``README.md`` into the bundled model's folder.

    Args:
        remarks: ``decay`` (over which share the rate fell), ``text_share`` (of the second stage), ``note`` (what a
            reader of the figures must know), in words.
    """
    source, facts = resolve(name), run_facts(work, name)
    config = json.loads((source.folder / "config.json").read_text())
    head = HEAD.format(
        name=name, parameters=source.parameters, layers=config["num_hidden_layers"], width=config["hidden_size"],
        context=source.context,
    )  # fmt: skip
    facts |= remarks
    measures = TEXT_MEASURES.format(ratio=facts["corpus_tokens"] / facts["tokens"], note=remarks["note"])
    parts = [
        head, TRAINING.format(name=name, **facts), measures, "\n", text_table(name, figures),
        other_tables(figures), licence_text(manifest),
    ]  # fmt: skip
    (source.folder / "README.md").write_text("".join(parts), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--work", type=Path, required=True, help="the recipe's folder")
    parser.add_argument("--figures", type=Path, required=True, help="JSON of benchmarks/base_models.py")
    parser.add_argument("--manifest", type=Path, required=True, help="the corpus's MANIFEST.json")
    parser.add_argument("--remarks", type=Path, required=True, help="JSON: model -> decay, text_share, note")
    options = parser.parse_args()
    files = (options.figures, options.manifest, options.remarks)
    figures, manifest, remarks = (json.loads(path.read_text()) for path in files)
    for name in ("tailor-mini", "tailor-base"):
        write_card(name, options.work, figures, manifest, remarks[name])
        folder = resolve(name).folder.parent
    (folder / "ATTRIBUTION.md").write_text(attribution(manifest), encoding="utf-8")


if __name__ == "__main__":
    main()
