"""The four questions a source must pass for a use case: enough, relevant, good, compatible; each with its rule."""

from collections.abc import Sequence

from tailor.data.landscape import Base, Facts
from tailor.records import Check, Source, Task

QUESTIONS = ("enough", "relevant", "good", "compatible")

PAIRS_GOOD, PAIRS_GOOD_SOURCE = 1_000, "LIMA tuned on 1,000 chosen pairs, Zhou et al. 2023"
PAIRS_SOME, PAIRS_SOME_SOURCE = 50, "OpenAI's fine-tuning guide sees gains from 50 to 100 on"
LABEL_GOOD, LABEL_SOME = 30, 10
LABEL_SOURCE = "intent classifiers are compared at 10 and 30 rows a label (Casanueva et al. 2020)"
SCRATCH_TOKENS, SCRATCH_SOURCE = 20, "training from scratch takes about 20 a parameter (Hoffmann et al. 2022)"
# From here on the borders are ours: they sort sources by whether a person should look, and decide nothing.
FLAWS_GOOD, FLAWS_BAD = 0.05, 0.25
TERMS_GOOD, TERMS_POOR = 0.5, 0.1
NEAR = 0.5
LEAST_SIMILARITY = 0.02
"""Below this the use case has said too little to compare sources by it."""
LONG = 0.05
MAIN_LANGUAGE = 0.8


def ask(sources: Sequence[Source], facts: Sequence[Facts], task: Task, base: Base) -> None:
    """Answer the four questions for every source, into its `checks`."""
    nearest = max((one.similarity for one in facts if one.similarity is not None), default=None)
    language = _language_of_most(sources)
    for source, one in zip(sources, facts, strict=True):
        source.checks = {
            "enough": _enough(source, one, task, base),
            "relevant": _relevant(one, nearest, len(sources)),
            "good": _good(source, one),
            "compatible": _compatible(source, one, base, language),
        }


def _enough(source: Source, facts: Facts, task: Task, base: Base) -> Check:
    values = {"rows": float(source.rows), "tokens": float(source.tokens)}
    if task == "classify" and facts.labels:
        return _enough_labels(source, facts, values)
    if len(facts.texts) < 2 and not facts.labels and not any(c.kind == "messages" for c in facts.columns):
        says = f"{source.tokens:,} tokens of plain text, without answers or labels"
        if base.parameters:
            values["tokens_per_parameter"] = source.tokens / base.parameters
            says += (
                f", {source.tokens / base.parameters:.2g} for each parameter of the model ({SCRATCH_SOURCE})"
            )
        return Check(verdict="note", says=says, values=values)
    if source.rows >= PAIRS_GOOD:
        return Check(verdict="good", says=f"{source.rows:,} rows; {PAIRS_GOOD_SOURCE}", values=values)
    if source.rows >= PAIRS_SOME:
        says = f"{source.rows:,} rows: enough to begin with ({PAIRS_SOME_SOURCE}), fewer than {PAIRS_GOOD:,}"
        return Check(verdict="note", says=f"{says} ({PAIRS_GOOD_SOURCE})", values=values)
    says = f"{source.rows:,} rows, fewer than {PAIRS_SOME} ({PAIRS_SOME_SOURCE}): examples in the prompt may serve"
    return Check(verdict="warning", says=f"{says} better than tuning", values=values)


def _enough_labels(source: Source, facts: Facts, values: dict[str, float]) -> Check:
    scale = source.rows / max(facts.sampled, 1)
    counts = {label: count * scale for label, count in facts.labels.items()}
    fewest = min(counts.values())
    short = sum(count < LABEL_SOME for count in counts.values())
    values |= {"labels": float(len(counts)), "fewest_per_label": round(fewest, 1)}
    about = "about " if scale > 1 else ""
    says = f"{source.rows:,} rows, {len(counts):,} labels, the rarest with {about}{fewest:,.0f}"
    if short:
        says += f"; {short:,} labels have fewer than {LABEL_SOME}"
    verdict = "good" if fewest >= LABEL_GOOD else "note" if not short else "warning"
    return Check(verdict=verdict, says=f"{says} ({LABEL_SOURCE})", values=values)


def _relevant(facts: Facts, nearest: float | None, sources: int) -> Check:
    values: dict[str, float] = {}
    parts, verdicts = [], []
    if facts.terms is not None:
        values["glossary_terms"] = round(facts.terms, 4)
        parts.append(f"{facts.terms:.0%} of the glossary's terms occur")
        verdicts.append(
            "good" if facts.terms >= TERMS_GOOD else "note" if facts.terms >= TERMS_POOR else "warning"
        )
    if facts.similarity is not None:
        values["similarity"] = facts.similarity
        parts.append(f"similarity to the use case's own words {facts.similarity:.2f} (TF-IDF cosine)")
        if sources > 1 and nearest and nearest >= LEAST_SIMILARITY:
            values["against_nearest"] = round(facts.similarity / nearest, 4)
            parts.append(f"{facts.similarity / nearest:.0%} of the nearest source's")
            verdicts.append("good" if facts.similarity >= NEAR * nearest else "warning")
    if not parts:
        return Check(verdict="note", says="not measured: the use case or the source has no words to compare")
    if not verdicts:
        parts.append("without a glossary and a longer description there is nothing to hold it against")
    order = ("warning", "note", "good")
    verdict = min(verdicts, key=order.index) if verdicts else "note"
    return Check(verdict=verdict, says="; ".join(parts), values=values)


def _good(source: Source, facts: Facts) -> Check:
    seen = source.rows + source.unreadable
    shares = {
        "broken": source.unreadable / seen if seen else 0.0,
        "duplicate": facts.duplicates / source.rows if source.rows else 0.0,
        "incomplete": facts.incomplete / source.rows if source.rows else 0.0,
    }
    worst = max(shares.values())
    verdict = "good" if worst < FLAWS_GOOD else "warning" if worst < FLAWS_BAD else "bad"
    says = ", ".join(f"{share:.1%} {name}" for name, share in shares.items())
    return Check(verdict=verdict, says=says, values={name: round(share, 6) for name, share in shares.items()})


def _compatible(source: Source, facts: Facts, base: Base, language: str) -> Check:
    if not facts.texts:
        return Check(verdict="bad", says="no column holds running text")
    parts, verdict = [], "good"
    lengths = sorted(facts.lengths)
    values: dict[str, float] = {}
    if lengths:
        places = {"tokens_10": 0.1, "median_tokens": 0.5, "tokens_90": 0.9}
        values = {name: float(lengths[int(share * (len(lengths) - 1))]) for name, share in places.items()}
        values["context"] = float(base.context or 0)
    if lengths and base.context:
        long = sum(length > base.context for length in lengths) / len(lengths)
        values["too_long"] = round(long, 4)
        parts.append(f"{long:.1%} of rows are longer than the {base.context:,} tokens the model reads")
        verdict = "warning" if long > LONG else verdict
    told = {code: share for code, share in source.languages.items() if code}
    main = max(told, key=told.__getitem__, default="")
    if main and told[main] < MAIN_LANGUAGE * sum(told.values()):
        some = ", ".join(f"'{code}' {share:.0%}" for code, share in list(told.items())[:4])
        parts.append(f"several languages: {some}")
        verdict = "warning"
    elif main:
        parts.append(
            f"language '{main}' in {told[main]:.0%} of texts"
            + ("" if told[main] > 0.99 else ", most others undetermined")
        )
        if language and main != language:
            parts.append(f"most text of all sources is in '{language}'")
            verdict = "warning"
    return Check(verdict=verdict, says="; ".join(parts) or "text", values=values)


def _language_of_most(sources: Sequence[Source]) -> str:
    """The language that most characters of all sources together are in; "" where nothing can be told."""
    amounts: dict[str, float] = {}
    for source in sources:
        for code, share in source.languages.items():
            if code:
                amounts[code] = amounts.get(code, 0.0) + share * source.characters
    return max(amounts, key=amounts.__getitem__, default="")
