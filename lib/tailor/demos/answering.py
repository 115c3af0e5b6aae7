"""What the agents answer: the procedure of the handbook, fitted to the facts and flags of the message.

A reply may repeat a fact only when the message names it, so a good reply can be learned from the message.
"""

import random
from dataclasses import dataclass

from tailor.demos.grammar import fill, pick, slots


@dataclass(frozen=True)
class Agent:
    """One agent, known by a code, with habits."""

    code: str
    greets: str
    signs: int
    closes: float
    calms: float


def draw_agents(rng: random.Random, count: int = 14) -> list[Agent]:
    """The support team."""
    codes = [f"A{number:02d}" for number in rng.sample(range(10, 99), count)]
    return [
        Agent(
            code,
            rng.choice(["named", "plain", "named", "none"]),
            rng.randrange(6),
            rng.random(),
            0.5 + rng.random() / 2,
        )
        for code in codes
    ]


def branch(rng, situation: dict, flags: set[str], known: set[str]) -> str:
    """The sentence that depends on what the customer did or has."""
    for flag, lines in (situation.get("if") or {}).items():
        if flag in flags:
            return pick(rng, lines, known)
    for flag, lines in (situation.get("unless") or {}).items():
        if flag not in flags:
            return pick(rng, lines, known)
    return ""


def procedure(rng, situation: dict, flags: set[str], known: set[str]) -> list[str]:
    """Steps in the order of the handbook; the first step of a safety case is always the block."""
    first = pick(rng, situation.get("do"), known) if situation.get("do") else ""
    special = branch(rng, situation, flags, known)
    if situation.get("short") in flags:  # nothing to wait for: the customer can undo it alone
        return [special, "It counts at once."]
    if first and "blocked" in flags and special:  # the customer has done the first step already
        first = ""
    return [line for line in (first, special, pick(rng, situation["then"], known)) if line]


def guards(rng, voice: dict, used: set[str]) -> list[str]:
    """What the guidelines ask for when a message carries personal data."""
    lines = [pick(rng, voice["reply"]["card_guard"])] if "cardno" in used else []
    for slot, texts in voice["reply"]["reach_guard"].items():
        if slot in used and len(lines) == 0:
            lines.append(pick(rng, texts))
    return [line for line in lines if line]


def opening(rng, voice: dict, agent: Agent, register: str, used: set[str], acknowledge: str) -> list[str]:
    """Greeting, a calm word for upset customers, and the acknowledgement."""
    named = {"first", "last"} <= used or ("first" in used and rng.random() < 0.9)
    known = used & {"first", "last"}
    greet = pick(rng, voice["reply"]["greet_named"], known) if named else ""
    if agent.greets == "none" and rng.random() < 0.7:
        greet = ""
    elif not greet:
        doubled = acknowledge.startswith("Thank")  # no second thanks right after "thank you for your message"
        greet = pick(rng, [line for line in voice["reply"]["greet"] if not (doubled and "thank" in line)])
    calm = pick(rng, voice["reply"]["calm"]) if register == "angry" and rng.random() < agent.calms else ""
    if calm.startswith("You asked for no standard"):  # only true for those who said so
        calm = pick(rng, voice["reply"]["calm"][:4])
    sorry = calm and "sorry" in calm and acknowledge.startswith("I am")
    return [line for line in (greet, calm, "" if sorry else acknowledge) if line]


def ending(rng, voice: dict, agent: Agent) -> list[str]:
    """A closing sentence and the signature of the agent."""
    close = pick(rng, voice["reply"]["close"][:7]) if rng.random() < agent.closes else ""
    sign = voice["reply"]["sign"][agent.signs]
    return [line for line in (close, sign) if line]


def answer(rng, voice, situation, agent, person, used, flags, side, facts) -> tuple[str, str]:
    """The reply and its skeleton."""
    known = used | {"tf"}
    lines = opening(rng, voice, agent, person.register, used, pick(rng, situation["ack"], known))
    steps = procedure(rng, situation, flags, known)
    time = pick(rng, voice["reply"]["time"][situation["kind"]])
    if situation.get("short") in flags:
        pass
    elif rng.random() < 0.35 and len(steps) > 1:
        steps = [*steps[:-1], time, steps[-1]]
    else:
        steps = [*steps, time]
    lines += guards(rng, voice, used - slots(str(situation))) + steps
    lines += [pick(rng, side["answer"], known)] if side else []
    return finish(rng, voice, agent, situation, lines, facts)


def answer_again(rng, voice, situation, agent, person, used, facts) -> tuple[str, str]:
    """The reply to a second message in the same thread."""
    known = used | {"tf", "topic"}
    say = voice["follow"]
    lines = opening(rng, voice, agent, person.register, used, pick(rng, say["reply"], known))
    lines += [pick(rng, say["state"]), pick(rng, say["when"])]
    return finish(rng, voice, agent, situation, lines, facts)


def finish(rng, voice, agent, situation, lines, facts) -> tuple[str, str]:
    """Close, fill in the facts and join."""
    lines = [*lines, *ending(rng, voice, agent)]
    facts = facts | {"tf": situation["tf"], "agent": agent.code}
    missing = slots(" ".join(lines)) - set(facts)
    if missing:
        raise KeyError(f"no such fact: {sorted(missing)}")
    return " ".join(fill(line, facts) for line in lines), "\n".join(lines)
