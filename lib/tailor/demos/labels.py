"""Defects of labels: wrong ones, other spellings of the right one, and missing ones."""

from tailor.demos.bank import Row
from tailor.demos.defects import fresh, mark

# Pairs that a tired person mixes up; noise between these is harder to see than noise at random.
CONFUSED = {
    "card_lost_stolen": ["card_not_arrived", "fraud_report"],
    "card_not_arrived": ["card_lost_stolen", "card_declined"],
    "card_declined": ["card_not_arrived", "app_access"],
    "cash_machine": ["card_lost_stolen", "disputed_payment"],
    "disputed_payment": ["fraud_report", "fees_charges"],
    "fraud_report": ["disputed_payment", "card_lost_stolen"],
    "transfer_problem": ["standing_order_debit", "disputed_payment"],
    "standing_order_debit": ["transfer_problem", "disputed_payment"],
    "app_access": ["change_details", "card_declined"],
    "fees_charges": ["overdraft", "disputed_payment"],
}


def spellings(label: str) -> list[str]:
    """Other ways people type a label."""
    words = label.replace("_", " ")
    return [
        words.capitalize(),
        words.title(),
        label.replace("_", "-"),
        f"{label} ",
        label.upper(),
        f" {words}",
    ]


def noise(rng, rows: list[Row], count: int) -> None:
    """Wrong labels, two thirds of them between intents that are easily confused."""
    names = sorted({row.intent for row in rows if row.intent})
    for row in fresh(rng, rows, count):
        right = row.intent
        near = CONFUSED.get(right, [])
        wrong = (
            rng.choice(near) if near and rng.random() < 0.66 else rng.choice([n for n in names if n != right])
        )
        row.intent = wrong
        mark(row, "intent", "label_noise", f"right={right} written={wrong}")


def variants(rng, rows: list[Row], count: int) -> None:
    """The right label in another spelling."""
    for row in fresh(rng, rows, count):
        right = row.intent
        row.intent = rng.choice(spellings(right))
        mark(row, "intent", "label_variant", f"right={right} written={row.intent!r}")
