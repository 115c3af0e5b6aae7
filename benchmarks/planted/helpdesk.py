"""Notes of an office's help desk: headed lines, lists and clauses of many small parts; damage to whole passages."""

import random

import polars as pl

from planted.truth import Planted, card_number, iban, in_fours, listed, overlap, table_of, wrong_card_number

_SUBJECTS = listed(
    "laptop|docking station|badge reader|shared drive|payroll form|VPN client|meeting room "
    "screen|mailbox|phone line|scanner|calendar|test server|backup job|wiki page|ticket queue|spreadsheet"
    " macro|time sheet|travel claim|video call|password manager"
)
_VERBS = listed(
    "froze|disconnected|rebooted|lost its settings|asked for a password|slowed down|showed a blank "
    "page|printed garbage|rejected the login|deleted a draft|ran out of space|beeped|duplicated every "
    "entry|ignored the mouse|sent two copies|opened the wrong file"
)
_WHEN = listed(
    "this morning|after the update|during the demo|right before lunch|since the move|every hour or "
    "so|whenever it rains|at month end|on the first try|while nobody was there|in the middle of a "
    "call|twice in a row"
)
_WHO = listed(
    "the intern|our team lead|someone from finance|the night shift|a contractor|the front desk|two "
    "auditors|the whole floor|an external trainer|the plant manager"
)
_TRIED = listed(
    "unplugged the cable|cleared the cache|borrowed another adapter|read the guide|waited for an "
    "hour|rolled back the driver|switched the port|called the hotline|moved to the next desk|renamed the "
    "folder|checked the permissions|reinstalled everything"
)
_EFFECT = listed(
    "nothing changed|it got worse|it worked for a minute|a different message came up|the light turned "
    "red|the file was gone|we lost the morning|the queue kept growing|the others noticed too|it is fine "
    "on the old machine"
)
_ODD = listed(
    "the cost centre in Kraków uses a façade of macros|the résumé upload in São Paulo fails|the señor at "
    "Ångström House saw 20 °C|ticket ‘Ümlaut’ costs 15 € – or £12|the piñata party’s budget is "
    "“tentative”"
)
_SIGNS = (
    "limit: a<b but b>c+{n}",
    "Map<Integer, List<Item>> lacks key {n}",
    "size <{n} MB; speed >={n}",
    "x < {n}, AT&T line; see <desk {n}>",
    "vector<int> v({n}); 3 <4",
)
_FOREIGN = (
    "Der Drucker im dritten Stock druckt nicht mehr und wir haben schon alles versucht. Wer kann sich das bitte heute "
    "ansehen, denn die Kollegen sind ohne Ausdruck nicht in der Lage zu arbeiten? Nummer {n}.",
    "Les écrans de la salle ne sont pas allumés et nous avons une réunion dans une heure. Est-ce que vous pouvez venir "
    "avec un câble pour le poste {n} ?",
    "No puedo entrar en el sistema desde ayer y la contraseña es correcta. Necesito los datos para el informe de la "
    "semana, así que les pido ayuda con el equipo {n}.",
    "Não consigo abrir o arquivo que você enviou e já tentei com uma outra conta. A equipe precisa dos dados para o "
    "relatório, por isso peço ajuda com o caso {n}.",
    "Nie mogę się zalogować na konto i nie wiem, czy to jest problem z hasłem. Proszę o pomoc, bo mam termin na jutro "
    "i bez tego nie zrobię raportu dla działu {n}.",
)
_SHORT = listed("n/a yet|LDAP bind err 49|danke|pls reset|BSOD 0x7E|done?|gracias|SSO loop IdP|kthxbye")


def make_helpdesk(rows: int, seed: int = 2) -> pl.DataFrame:
    """Lengths spread widely around 540 characters: see `truth.table_of` for the columns."""
    rng = random.Random(seed)
    parts = [_clause(rng) for _ in range(60_000)]
    made: list[Planted] = []
    cluster = 0
    while len(made) < rows:
        chance = rng.random()
        text = _note(rng, parts)
        if chance < 0.03:
            copies = [_retyped(rng, text) for _ in range(rng.choice((1, 1, 1, 4)))]
            made += [Planted(text, cluster=cluster), *(Planted(c, "exact", cluster=cluster) for c in copies)]
            cluster += 1
        elif chance < 0.06:
            twins = [(twin, overlap(text, twin)) for twin in (_reworked(rng, text) for _ in range(2))]
            group = [Planted(t, "near", cluster=cluster, similarity=s) for t, s in twins if s >= 0.8]
            made += [Planted(text, cluster=cluster if group else -1), *group]
            cluster += bool(group)
        elif chance < 0.075:
            lines = text.split("\n")
            other = "\n".join([*lines[: len(lines) // 2], _note(rng, parts)])
            if (alike := overlap(text, other)) < 0.75:
                made += [Planted(text), Planted(other, "far", similarity=alike)]
        else:
            made.append(_one(rng, text, chance))
    del made[rows:]
    rng.shuffle(made)
    return table_of(made)


def _clause(rng: random.Random) -> str:
    form = rng.randrange(5)
    subject, verb, when = rng.choice(_SUBJECTS), rng.choice(_VERBS), rng.choice(_WHEN)
    if form == 0:
        return f"the {subject} {verb} {when}, and then {rng.choice(_EFFECT)}"
    if form == 1:
        return f"{rng.choice(_WHO)} {rng.choice(_TRIED)} but {rng.choice(_EFFECT)}"
    if form == 2:
        return f"we {rng.choice(_TRIED)} {when} because the {subject} {verb}"
    if form == 3:
        return f"can you look at the {subject} in room {rng.randrange(1, 400)} before it {verb} again"
    return f"asset {rng.randrange(1000, 9999)} is the {subject} that {rng.choice(_WHO)} uses {when}"


def _note(rng: random.Random, parts: list[str]) -> str:
    """A heading and lines of one or two clauses; their number is skewed to the short side."""
    count = max(4, min(16, round(rng.lognormvariate(2.0, 0.3))))
    lines = [f"Ticket {rng.randrange(100_000, 999_999)} / {rng.choice(_SUBJECTS)}"]
    for clause in rng.choices(parts, k=count):
        lines.append(f"- {clause}" if rng.random() < 0.3 else f"{clause[0].upper()}{clause[1:]}.")
    return "\n".join(lines)


def _one(rng: random.Random, text: str, chance: float) -> Planted:
    if chance < 0.12:
        sound = f"{text}\nBy the way, {rng.choice(_ODD)}."
        return Planted(_garbled(rng, sound), "damaged", sound)
    if chance < 0.15:
        return Planted(_page(rng, text), "markup", text)
    if chance < 0.19:
        return Planted(rng.choice(_FOREIGN).format(n=rng.randrange(10**6)), "foreign")
    if chance < 0.22:
        return Planted(f"{rng.choice(_SHORT)} {rng.randrange(10**8)}", "short")
    if chance < 0.29:
        return Planted(
            f"{rng.choice(_ODD)}: {text} ✅ 你好 {rng.choice(('Ελλάδα', 'Привет', 'żółć', 'çağrı'))}"
        )
    if chance < 0.33:
        return Planted(f"{text}\n{rng.choice(_SIGNS).format(n=rng.randrange(2, 90))}")
    return _confiding(rng, text) if chance < 0.5 else Planted(text)


def _retyped(rng: random.Random, text: str) -> str:
    """Line ends, indents, thin blanks, capitals at the start of words, stray commas."""
    how = rng.randrange(5)
    if how == 0:
        return text.replace("\n", "\r\n")
    if how == 1:
        return text.replace("\n", "\n\u2003 ").title()
    if how == 2:
        return text.replace(" ", "\u2009")
    return text.replace(".", ",") if how == 3 else f"   {text.lower()}\u200a"


def _reworked(rng: random.Random, text: str) -> str:
    """A greeting and a close, slips of the finger, or two lines that change places."""
    lines, how = text.split("\n"), rng.randrange(3)
    if how == 0:
        return "\n".join(["Hello again,", *lines, rng.choice(("Best wishes", "Kind regards from the desk"))])
    if how == 1:
        for _ in range(rng.randrange(1, 8)):
            line = rng.randrange(len(lines))
            place = rng.randrange(1, len(lines[line]) - 2)
            lines[line] = (
                lines[line][:place] + lines[line][place + 1] + lines[line][place] + lines[line][place + 2 :]
            )
        return "\n".join(lines)
    a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]
    return "\n".join(lines)


def _garbled(rng: random.Random, text: str) -> str:
    """UTF-8 read as one of three old encodings, whichever knows all bytes."""
    for encoding in rng.sample(["mac_roman", "cp1252", "latin-1", "cp437"], 4):
        try:
            return text.encode("utf-8").decode(encoding)
        except UnicodeDecodeError:
            continue
    raise AssertionError("latin-1 knows every byte")


def _page(rng: random.Random, text: str) -> str:
    """A mail client's page: head with styles, capitals in tags, tables, a comment."""
    cells = "".join(f"<TR><TD class=x>{line}</TD></TR>" for line in text.split("\n"))
    head = "<!DOCTYPE html><HTML><HEAD><style>p {margin:0}</style><title>note</title></HEAD>"
    if rng.random() < 0.5:
        return f"{head}<BODY><!-- generated --><TABLE>{cells}</TABLE></BODY></HTML>"
    return f"{head}<BODY>" + "".join(f"<LI><font color='red'>{line}</font></LI>" for line in text.split("\n"))


def _confiding(rng: random.Random, text: str) -> Planted:
    lines, secrets = text.split("\n"), []
    for _ in range(rng.choice((1, 2, 3))):
        kind = rng.choice(("email", "iban", "card", "phone", "none"))
        if kind == "email":
            host = f"sub.{rng.choice('uvwxyz')}{rng.randrange(9)}.example.org"
            value = f"{rng.choice('abcdef')}_{rng.randrange(99)}+desk@{host}"
        elif kind == "iban":
            value = in_fours(iban(rng)) if rng.random() < 0.7 else iban(rng)
        elif kind == "card":
            value = in_fours(card_number(rng), "-") if rng.random() < 0.7 else card_number(rng)
        elif kind == "phone":
            american = f"({rng.randrange(201, 989)}) 555-01{rng.randrange(10, 99)}"
            german = f"0{rng.randrange(20, 99)} {rng.randrange(10**7, 10**8)}"
            value = rng.choice((american, german))
        else:
            value = rng.choice(
                (
                    wrong_card_number(rng),
                    "2024-05-17 12:30:11",
                    f"build 10.{rng.randrange(99)}.3.7",
                    "1,234,567.89",
                )
            )
        lines.insert(
            rng.randrange(1, len(lines) + 1), f"{rng.choice(('ref', 'contact', 'given', 'account'))}: {value}"
        )
        secrets += [(kind, value)] if kind != "none" else []
    return Planted("\n".join(lines), secrets=secrets)
