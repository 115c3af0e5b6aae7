"""The model card: what the model is for, what it learned from, how well it does and how to load it.

Headings follow Mitchell et al. 2019, Model Cards for Model Reporting; only what is known is said.
"""

from tailor.data.dataset import Dataset
from tailor.evaluation.compare import name_of, show_difference, show_estimate, show_p
from tailor.markdown import plain_markdown
from tailor.project import Project
from tailor.records import Comparison, RunRecord, Sources, UseCase

LOAD = """\
from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained("{folder}")
tokenizer = AutoTokenizer.from_pretrained("{folder}")
messages = {messages}
inputs = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=True, return_tensors="pt")
print(tokenizer.decode(model.generate(**inputs)[0, inputs["input_ids"].shape[1]:], skip_special_tokens=True))
"""


LOAD_ENCODER = """\
from transformers import pipeline

print(pipeline("text-classification", model="{folder}")("your text"))
"""


def loading_code(dataset: Dataset, folder: str, encoder: bool = False) -> str:
    """Python that loads the exported folder with transformers alone and asks it one question."""
    if encoder:
        return LOAD_ENCODER.format(folder=folder)
    return LOAD.format(folder=folder, messages=dataset.prompt("your question"))


def model_card(project: Project, dataset: Dataset, run: RunRecord, encoder: bool = False) -> str:
    """The card as Markdown. Holds nothing that differs between two runs of the same choices."""
    use_case = project.load(UseCase, "use_case.json")
    sections = [
        ("", _head(use_case, run)),
        ("What it is for", _purpose(use_case)),
        ("How well it does", _results(project, run)),
        ("What it learned from", _data(project, dataset)),
        ("How to load it", f"```python\n{loading_code(dataset, '.', encoder)}```"),
        ("Limits", _limits(use_case)),
    ]
    return "\n\n".join(f"## {title}\n\n{text}" if title else text for title, text in sections if text) + "\n"


def _head(use_case: UseCase, run: RunRecord) -> str:
    return (
        f"# {plain_markdown(use_case.title)}\n\n{plain_markdown(run.title)} on the base model `{run.base_model}`, "
        f"made with Tailor. Run `{run.id}`, seed {run.seed}; {run.trainable_parameters:,} trained parameters."
    )


def _purpose(use_case: UseCase) -> str:
    lines = [
        plain_markdown(use_case.description),
        plain_markdown(f"For: {use_case.users}" if use_case.users else ""),
    ]
    return "\n\n".join(line for line in lines if line)


def _results(project: Project, run: RunRecord) -> str:
    record = project.load(Comparison, "comparison.json")
    line = next((line for line in record.compared if line.run == run.id), None)
    if line is None:
        return "This run was not among those compared in 10_evaluate."
    rows = [f"| {name_of(name)} | {show_estimate(name, found)} |" for name, found in line.metrics.items()]
    text = (
        f"On {record.rows:,} test rows it had not seen; in brackets the 95% interval:\n\n| metric | value |\n"
    )
    text += "|---|---|\n" + "\n".join(rows)
    if line.difference is not None:
        gain = show_difference(record.headline, line.difference)
        text += f"\n\nAgainst the base model, {name_of(record.headline)}: {gain}, {show_p(line.p_told)}."
    return text


def _data(project: Project, dataset: Dataset) -> str:
    splits = ", ".join(f"{part.rows:,} {name}" for name, part in dataset.record.splits.items())
    lines = [f"Rows: {splits}. Data hash `{dataset.record.content_hash()[:16]}`."]
    if project.path("sources.json").exists():
        for source in project.load(Sources, "sources.json").sources:
            terms = f", terms: {plain_markdown(source.licence)}" if source.licence else ""
            owner = f", owner: {plain_markdown(source.owner)}" if source.owner else ""
            lines.append(f"- {plain_markdown(source.name)}: {source.rows:,} rows{owner}{terms}")
    return "\n".join(lines)


def _limits(use_case: UseCase) -> str:
    known = [f"- {plain_markdown(limit)}" for limit in use_case.limits]
    known.append("- It was tested on rows like those it learned from; on others it may do worse. Monitor it.")
    return "\n".join(known)
