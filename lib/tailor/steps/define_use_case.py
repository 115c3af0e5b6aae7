"""01 Define use case: what should the model do, for whom, and how is success measured?"""

from tailor.blocks import Block, Callout, Heading, Table, Text
from tailor.data.house_rules import compose_system_prompt, read_glossary, read_guidelines, read_tone
from tailor.errors import did_you_mean
from tailor.evaluation.known_metrics import KEEPS, KNOWN, is_own, lower_is_better, metrics_of
from tailor.evaluation.own_metric import own_metric_problems
from tailor.progress import Log
from tailor.project import Project
from tailor.records import Criterion, Guideline, Task, Term, Tone, UseCase
from tailor.settings import Settings as Base
from tailor.settings import setting


class Settings(Base):
    """What the model is for."""

    title: str = setting("", "A short name for the use case. Empty: the project's name.")
    task: Task = setting(
        "respond",
        "respond: the model writes an answer in its own words. classify: it picks one of a fixed set of labels.",
    )
    description: str = setting(
        "",
        "One or two sentences: what comes in, what should come out. They open the system prompt, so write them to the "
        "model: 'You answer customers of ...'.",
        multiline=True,
    )
    users: str = setting("", "Who reads the answers, and in which situation.", multiline=True)
    success: list[Criterion] = setting(
        [],
        "When it is good enough. A list of metric, at_least (or at_most, where less is better) and why, for example "
        "'- {metric: chrf, at_least: 40, why: ...}'. Metrics: chrf and bleu (0 to 100), rouge_l, exact_match, "
        "field_f1, numeric_match... for respond; accuracy, macro_f1, mcc, ece for classify; seconds_per_answer, "
        "peak_gib for both; 'keeps ' and a guideline's id; or a function of yours as module:function.",
        label="success criteria",
    )
    limits: list[str] = setting([], "What the model must not do or decide; where a person takes over.")
    use_system_prompt: bool = setting(
        True,
        "Put a system prompt before every message: it costs tokens each time, and says what the model is for.",
    )
    system_prompt: str = setting(
        "",
        "The system prompt, word for word. Empty: composed from the description, the tone and as many guidelines as "
        "fit into about 90 tokens.",
        multiline=True,
    )
    glossary_file: str = setting(
        "", "A table (CSV, Excel) with the columns term, definition and variants, or YAML. Optional."
    )
    guidelines_file: str = setting(
        "",
        "YAML with the rules for answers under 'rules': id, rule, and perhaps must_match or must_not_match, regular "
        "expressions that every answer is checked against. Optional.",
    )
    tone_file: str = setting("", "YAML with voice, use, avoid and pairs of sentences bad and good. Optional.")


def reads_files(project: Project, settings: Settings) -> list[str]:
    return [path for path in (settings.glossary_file, settings.guidelines_file, settings.tone_file) if path]


def blockers(project: Project, settings: Settings) -> list[str]:
    return [problem for criterion in settings.success for problem in _problems(project, settings, criterion)]


def _problems(project: Project, settings: Settings, criterion: Criterion) -> list[str]:
    """What is wrong with one success criterion."""
    name, says = criterion.metric, f"The success criterion '{criterion.metric}'"
    if is_own(name):
        return own_metric_problems([name], says)
    if name.startswith(KEEPS):
        return _rule_problems(project, settings, name)
    if name not in metrics_of(settings.task):
        near = did_you_mean(name, metrics_of(settings.task))
        there = ", ".join(metrics_of(settings.task))
        return [f"{says} is no metric of the task {settings.task}; there are {there}.{near}"]
    if lower_is_better(name) and criterion.at_most is None:
        return [f"{says} is better the less it is: give at_most in place of at_least."]
    if not KNOWN[name].lowest <= criterion.goal <= KNOWN[name].highest:
        given = "at_most" if criterion.at_least is None else "at_least"
        span = f"{KNOWN[name].lowest:g} to {KNOWN[name].highest:g}"
        return [f"The success criterion {name} runs from {span}; {given} is {criterion.goal:g}."]
    return []


def _rule_problems(project: Project, settings: Settings, name: str) -> list[str]:
    """Whether a guideline with this id and a pattern is there."""
    rules = read_guidelines(project.resolve(settings.guidelines_file)) if settings.guidelines_file else []
    known = [f"{KEEPS}{rule.id}" for rule in rules if rule.must_match or rule.must_not_match]
    if name in known:
        return []
    there = f"there are {', '.join(known)}" if known else "there are none: name a guidelines_file"
    says = f"The success criterion '{name}' names no guideline with a pattern; {there}."
    return [says + did_you_mean(name, known)]


def run(project: Project, settings: Settings, log: Log) -> UseCase:
    """Read the glossary, guidelines and tone, and settle the system prompt."""
    glossary, guidelines, tone = _read_files(project, settings)
    prompt = settings.system_prompt.strip() or compose_system_prompt(
        settings.task, settings.description, tone, guidelines
    )
    return UseCase(
        title=settings.title or project.name.replace("_", " "),
        task=settings.task,
        description=settings.description,
        users=settings.users,
        success=settings.success,
        limits=settings.limits,
        system_prompt=prompt if settings.use_system_prompt else "",
        glossary=glossary,
        guidelines=guidelines,
        tone=tone,
    )


def _read_files(project: Project, settings: Settings) -> tuple[list[Term], list[Guideline], Tone]:
    tone, habits = read_tone(project.resolve(settings.tone_file)) if settings.tone_file else (Tone(), [])
    rules = read_guidelines(project.resolve(settings.guidelines_file)) if settings.guidelines_file else []
    terms = read_glossary(project.resolve(settings.glossary_file)) if settings.glossary_file else []
    return terms, [*rules, *habits], tone


def blocks(project: Project) -> list[Block]:
    case = project.load(UseCase, "use_case.json")
    shown: list[Block] = [Heading(case.title), *([Text(case.description)] if case.description else [])]
    shown.append(Table(("", ""), _summary(case)))
    if case.success:
        rows = [
            (c.metric, "at most" if c.at_least is None else "at least", c.goal, c.why) for c in case.success
        ]
        shown += [Heading("Success criteria"), Table(("metric", "", "goal", "why"), rows)]
    else:
        shown.append(
            Callout(
                "No success criteria are set: 10_evaluate will compare models but not say 'good enough'.",
                "warning",
            )
        )
    shown += [Heading("System prompt"), Text(case.system_prompt or "none")]
    if case.guidelines:
        checked = sum(bool(g.must_match or g.must_not_match) for g in case.guidelines)
        rows = [(g.id, g.text, g.must_match, g.must_not_match) for g in case.guidelines]
        caption = f"{checked} of {len(rows)} are checked by a pattern; the others are read by people."
        columns = ("id", "rule", "must match", "must not match")
        shown += [Heading("Guidelines"), Table(columns, rows, caption)]
    if case.tone.pairs:
        pairs = [(pair.before, pair.after) for pair in case.tone.pairs]
        shown += [Heading("Tone"), Table(("not like this", "like this"), pairs)]
    if case.glossary:
        terms = [(t.term, t.definition, t.variants) for t in case.glossary]
        shown += [Heading("Glossary"), Table(("term", "definition", "variants"), terms, show=10)]
    return shown


def _summary(case: UseCase) -> list[tuple[str, str]]:
    rows = [
        ("task", case.task),
        ("users", case.users),
        ("limits", "; ".join(case.limits)),
        ("voice", ", ".join(case.tone.adjectives)),
        ("words to use", ", ".join(case.tone.use)),
        ("words to avoid", ", ".join(case.tone.avoid)),
    ]
    return [row for row in rows if row[1]]
