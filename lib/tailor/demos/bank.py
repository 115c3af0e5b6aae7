"""Conversations of the invented Quillhaven Bank: who wrote what, when, and what was answered."""

import random
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tailor.demos import answering, facts, grammar, people, writing

FIRST_DAY, LAST_DAY = datetime(2024, 1, 2), datetime(2025, 11, 29)
LATER_DAY, LATER_END = datetime(2025, 12, 1), datetime(2025, 12, 31)
CHANNELS = {"email": 22, "app": 34, "web form": 24, "chat": 20}
PRODUCTS = {"current": "Quill Current", "online": "Quill App", "saver": "Haven Saver", "loan": "Haven Loan"}


@dataclass
class Row:
    """One message with its reply; ``plants`` lists what is wrong with it as (column, kind, detail, twin uid)."""

    uid: str
    created: datetime
    channel: str
    customer: str
    thread: str
    product: str
    agent: str
    subject: str
    message: str
    reply: str
    intent: str
    situation: str
    email: str
    skeleton: str = ""
    reply_skeleton: str = ""
    language: str = "en"
    bad_date: str = ""
    damage: str = ""
    plants: list = field(default_factory=list)

    def twin(self, uid: str, later: timedelta) -> "Row":
        """A copy that keeps the personal data in the text but none of the other plants."""
        copy = deepcopy(self)
        copy.uid, copy.created, copy.thread = uid, self.created + later, f"{self.thread}-R"
        copy.plants = [plant for plant in self.plants if plant[1].startswith("pii_")]
        return copy

    def plant(self, column: str, kind: str, detail: str, twin: str = "") -> None:
        """Write down a planted defect."""
        self.plants.append((column, kind, detail, twin))


class Bank:
    """The world of one seed: situations, voices, customers and agents."""

    def __init__(self, seed: int):
        """Read the grammar and draw the people."""
        self.seed = seed
        self.world, self.voice = grammar.load("world"), grammar.load("voice")
        self.situations = grammar.load("cards") | grammar.load("payments") | grammar.load("accounts")
        self.new_topics = grammar.load("later")
        rng = grammar.stream(seed, "people")
        self.people = people.draw_customers(rng, self.world, self.voice["registers"])
        self.agents = answering.draw_agents(rng)

    def draw_situation(self, rng: random.Random) -> str:
        """An intent by its weight, then one of its situations."""
        weights = self.world["weights"]
        intent = rng.choices(list(weights), list(weights.values()))[0]
        return rng.choice([name for name, what in self.situations.items() if what["intent"] == intent])

    def extras(
        self, rng: random.Random, register: str, used: set[str], long: bool
    ) -> tuple[list[str], dict | None]:
        """Sentences with personal data, a second question, and for later months a longer tail."""
        lines, side = [], None
        for slot, rate in (("phone", 0.05), ("email", 0.03), ("iban", 0.05), ("cardno", 0.04)):
            if slot not in used and rng.random() < rate:
                lines.append(grammar.pick(rng, self.voice["identity"][slot]))
        if long:
            lines += [
                grammar.choose(rng, line)
                for line in rng.sample(self.voice["long_tail"], rng.choice([1, 2, 2]))
            ]
        if register not in ("terse", "angry") and rng.random() < 0.08:
            side = rng.choice(self.voice["side"])
            lines.append(grammar.pick(rng, side["ask"]))
        return lines, side

    def conversation(self, uid: str, name: str, situation: dict, now: datetime, long: bool = False) -> tuple:
        """A message and its reply; also what a follow-up needs to know."""
        rng = grammar.stream(self.seed, "talk", uid)
        person = self.people[int(len(self.people) * rng.random() ** 1.4)]
        agent = rng.choice(self.agents)
        theirs, ours = facts.draw_facts(rng, self.world, person, now)
        channel = rng.choices(list(CHANNELS), list(CHANNELS.values()))[0]
        lines, flags = writing.core(rng, situation, person.register)
        extras, side = self.extras(rng, person.register, grammar.slots(" ".join(lines)), long)
        text, skeleton, used = writing.message(
            rng, self.voice, person, lines, theirs, extras, channel == "email"
        )
        reply, answered = answering.answer(rng, self.voice, situation, agent, person, used, flags, side, ours)
        subject = grammar.fill(grammar.pick(rng, situation["subject"], used), theirs) or situation["title"]
        row = self.row(uid, name, situation, person, agent, now, channel, subject, text, reply)
        row.skeleton, row.reply_skeleton = skeleton, answered
        self.note_personal(row, used, theirs)
        return row, (rng, person, agent, theirs, ours)

    def row(self, uid, name, situation, person, agent, now, channel, subject, text, reply) -> Row:
        """Put a row together; product names of cards follow the customer's card."""
        product = (
            PRODUCTS.get(situation["product"])
            or {"debit": "Quill Debit", "credit": "Haven Credit"}[person.card_kind]
        )
        return Row(
            uid,
            now,
            channel,
            person.id,
            f"TH-{uid}",
            product,
            agent.code,
            subject,
            text,
            reply,
            situation["intent"],
            name,
            person.email,
        )

    def note_personal(self, row: Row, used: set[str], theirs: dict) -> None:
        """Personal data in the text is planted too: write down each value as it stands."""
        for slot in facts.PERSONAL:
            if slot in used:
                kind = {"cardno": "card_number", "street": "address"}.get(slot, slot)
                row.plant("message", f"pii_{kind}", theirs[slot])
        if "first" in used:
            name = f"{theirs['first']} {theirs['last']}" if "last" in used else theirs["first"]
            row.plant("message", "pii_name", name)
            for spelled in (f"{theirs['first']} {theirs['last']}", theirs["first"]):
                if spelled in row.reply:
                    row.plant("reply", "pii_name", spelled)
                    break

    def topics(self, situation: dict, theirs: dict, ours: dict) -> tuple[dict, dict]:
        """What both sides call the matter; "my card" is "your card" in the answer."""
        said, heard = (grammar.fill("X " + situation["topic"], side)[2:] for side in (theirs, ours))
        heard = heard.replace("my ", "your ", 1).replace(" I ", " you ")
        return theirs | {"topic": said, "tf": situation["tf"]}, ours | {"topic": heard}

    def follow_up(self, first: Row, known: tuple) -> Row:
        """The customer asks again in the same thread some days later."""
        _, person, agent, theirs, ours = known
        rng = grammar.stream(self.seed, "again", first.uid)
        situation, say = self.situations[first.situation], self.voice["follow"]
        theirs, ours = self.topics(situation, theirs, ours)
        lines = [part for part in (grammar.pick(rng, say["what"]), grammar.pick(rng, say["extra"])) if part]
        mail = first.channel == "email"
        text, skeleton, used = writing.message(rng, self.voice, person, lines, theirs, [], mail)
        reply, answered = answering.answer_again(rng, self.voice, situation, agent, person, used, ours)
        now = first.created + timedelta(days=rng.randrange(2, 12), minutes=rng.randrange(600))
        kept = (first.situation, situation, person, agent, now, first.channel)
        row = self.row(f"{first.uid}b", *kept, f"Re: {first.subject}", text, reply)
        row.thread, row.skeleton = first.thread, skeleton + first.situation
        row.reply_skeleton = answered + first.situation
        self.note_personal(row, used, theirs)
        return row

    def moment(self, rng: random.Random, start: datetime, end: datetime) -> datetime:
        """A time of day when people write; fewer messages at night and on Sundays."""
        while True:
            day = start + timedelta(days=rng.randrange((end - start).days + 1))
            if day.weekday() == 6 and rng.random() < 0.6:
                continue
            return day + timedelta(
                hours=min(23, max(0, round(rng.gauss(14, 4.2)))), minutes=rng.randrange(60)
            )

    def history(self, count: int = 1490) -> list[Row]:
        """All clean rows of the two years, in time order; about one conversation in nine goes on."""
        rng, rows = grammar.stream(self.seed, "history"), []
        for number in range(count):
            name = self.draw_situation(rng)
            now = self.moment(rng, FIRST_DAY, LAST_DAY - timedelta(days=14))
            row, known = self.conversation(f"{number:05d}", name, self.situations[name], now)
            rows.append(row)
            if rng.random() < 0.11:
                rows.append(self.follow_up(row, known))
        return sorted(rows, key=lambda row: (row.created, row.uid))

    def later(self, count: int = 150) -> list[Row]:
        """The month after: longer messages, and a topic nobody wrote about before."""
        rng, rows = grammar.stream(self.seed, "later"), []
        for number in range(count):
            new = rng.random() < 0.28
            name = rng.choice(list(self.new_topics)) if new else self.draw_situation(rng)
            situation = (self.new_topics if new else self.situations)[name]
            long = rng.random() < 0.65
            row, _ = self.conversation(
                f"L{number:04d}", name, situation, self.moment(rng, LATER_DAY, LATER_END), long
            )
            if new:
                row.plant("message", "drift_new_topic", situation["intent"])
            if long:
                row.plant("message", "drift_longer", f"{len(row.message)} characters")
            rows.append(row)
        return sorted(rows, key=lambda row: (row.created, row.uid))
