"""Letters of a shop's customers: whole sentences from templates, damage word by word."""

import random

import polars as pl

from planted.truth import Planted, card_number, iban, in_fours, listed, overlap, table_of, wrong_card_number

_THINGS = listed(
    "parcel|lamp|kettle|jacket|charger|keyboard|bicycle|mattress|curtain|blender|router|headset|printer|b"
    "ackpack|mirror|toaster|monitor|scooter|umbrella|wallet|carpet|drill|ladder|camera|tent|stove|freezer"
    "|speaker"
)
_FAULTS = listed(
    "arrived with a deep scratch|was never delivered|stopped working after two days|is missing a "
    "screw|smells of paint|came in the wrong colour|makes a grinding noise|was left in the rain|does not "
    "match the photograph|has a loose cable|overheats within minutes|shows an error on the display|is far"
    " too small|was already opened|leaks at the bottom|refuses to switch on|lost its warranty card|bends "
    "under its own weight"
)
_PLACES = listed(
    "Zürich|Málaga|Lyon|Gdańsk|Aarhus|Bristol|Ghent|Porto|Cork|Tampere|Brno|Split|Linz|Bergen|Cádiz|Nîmes"
    "|Turin|Leeds"
)
_TEAMS = listed(
    "billing|returns|delivery|warranty|loyalty|repair|gift card|subscription|complaints|warehouse"
)
_SENTENCES = (
    "The {thing} that I ordered on {day} {month} {fault}.",
    "Your {team} team told me on {day} {month} that somebody would call back within {n} hours.",
    "I have attached {n} pictures of the {thing} and of the box it came in.",
    "My order number is {order} and the invoice says {price} euros.",
    "The courier left it with a neighbour in {place}, although I was at home the whole {weekday}.",
    "Could you please tell me when the {thing} and the {thing2} will be replaced?",
    "I paid {price} euros for express delivery and it still took {n} days.",
    "Last {weekday} the {team} department asked for the serial number, which is {serial}.",
    "It is not acceptable that the {thing} {fault} while the {thing2} {fault2}.",
    "I would rather have my money back than wait another {n} weeks for a {thing}.",
    "A friend in {place} bought the same {thing} and hers works without any trouble.",
    "The chat window closed by itself after {n} minutes, so I am writing to you instead.",
    "Please send the label for the return to the address in {place} that is in my account.",
    "Since {month} your page has been showing that the {thing} is in stock, and it is not.",
    "The manual of the {thing} says {n} years of guarantee, the receipt says {n2}.",
    "I already explained this to the {team} team under ticket {order}, and nobody answered.",
    "When I pressed the button for the {n}th time, the {thing} {fault}.",
    "If the {team} people cannot help, then please forward this to whoever is responsible in {place}.",
    "For the voucher of {price} euros I was told that it expires on {day} {month}.",
    "What happens with the {thing2} if I only send back the {thing}?",
)
_ACCENTED = (
    "I met the driver at the café near the bridge in {place}.",
    "The price was £{n}, not €{price}, as your naïve calculator claims.",
    "It’s “guaranteed”, you said, and now the {thing} {fault} – déjà vu!",
    "My crème brûlée torch and the {thing} share one façade of cheap plastic.",
)
_WITH_SIGNS = (
    "The temperature was x < 5 and then y > {n} degrees.",
    "The app prints List<String> where the {thing} should be named.",
    "R&D and Q&A both said so <3, see <ticket {order}>.",
    "if (count<{n} && total>{price}) it fails, your form tells me.",
)
_FOREIGN = (
    "Die Lampe ist leider beschädigt angekommen und ich möchte mein Geld zurück. Bitte senden Sie mir ein Etikett für "
    "die Rücksendung, denn ich habe schon {n} Tage auf eine Antwort von Ihnen gewartet.",
    "Je n'ai pas reçu ma commande et je vous ai déjà écrit {n} fois. Pouvez-vous me dire où est le colis et pour "
    "quelle raison il est en retard dans cette ville ?",
    "El pedido no ha llegado y me gustaría saber qué ha pasado con el paquete. He llamado {n} veces y nadie me ha dado "
    "una respuesta, por favor ayúdenme con esto.",
    "Il pacco non è arrivato e vorrei sapere dove si trova. Ho già scritto {n} volte al vostro servizio e nessuno mi "
    "ha risposto, per questo chiedo il rimborso della somma.",
    "Ik heb mijn bestelling nog niet ontvangen en het duurt nu al {n} dagen. Kunt u mij zeggen waar het pakket is en "
    "wanneer ik het krijg, want ik heb er voor betaald.",
)
_SHORT = listed(
    "ok thanks|VPN DNS timeout 0x80070057|merci|refund pls|SKU 4471 OOS|wo ist es?|no puedo|HTTP 502 nginx"
)
_WEEKDAYS = listed("Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday")
_MONTHS = listed("January|February|March|April|May|June|July|August|September|October|November|December")


def make_shop(rows: int, seed: int = 1) -> pl.DataFrame:
    """About 540 characters a row: see `truth.table_of` for the columns."""
    rng = random.Random(seed)
    pool = [_filled(rng, rng.choice(_SENTENCES)) for _ in range(40_000)]
    made: list[Planted] = []
    cluster = 0
    while len(made) < rows:
        chance = rng.random()
        text = " ".join(rng.choices(pool, k=rng.choices((4, 5, 6, 7, 8, 9), (1, 1, 3, 3, 3, 2))[0]))
        if chance < 0.04:
            made += [Planted(text, cluster=cluster), Planted(_copied(rng, text), "exact", cluster=cluster)]
            cluster += 1
        elif chance < 0.08:
            group = [Planted(text)]
            for _ in range(rng.choice((1, 1, 2))):
                twin = _edited(rng, text, rng.uniform(0.005, 0.09))
                if (alike := overlap(text, twin)) >= 0.8:
                    group.append(Planted(twin, "near", cluster=cluster, similarity=alike))
            group[0].cluster = cluster if len(group) > 1 else -1
            made += group
            cluster += len(group) > 1
        elif chance < 0.09:
            twin = _edited(rng, text, 0.15)
            if (alike := overlap(text, twin)) < 0.75:
                made += [Planted(text), Planted(twin, "far", similarity=alike)]
        else:
            made.append(_single(rng, text, chance))
    del made[rows:]
    rng.shuffle(made)
    return table_of(made)


def _single(rng: random.Random, text: str, chance: float) -> Planted:
    if chance < 0.13:
        sound = _with(rng, text, _ACCENTED)
        return Planted(_misread(rng, sound), "damaged", sound)
    if chance < 0.17:
        return Planted(_marked_up(rng, text), "markup", text)
    if chance < 0.20:
        return Planted(rng.choice(_FOREIGN).format(n=rng.randrange(2, 10**6)), "foreign")
    if chance < 0.22:
        return Planted(f"{rng.choice(_SHORT)} {rng.randrange(10**8)}", "short")
    if chance < 0.27:
        return Planted(_with(rng, text, _ACCENTED))
    if chance < 0.30:
        return Planted(_with(rng, text, _WITH_SIGNS))
    if chance < 0.55:
        return _with_secrets(rng, text)
    return Planted(text)


def _filled(rng: random.Random, sentence: str) -> str:
    return sentence.format(
        thing=rng.choice(_THINGS),
        thing2=rng.choice(_THINGS),
        fault=rng.choice(_FAULTS),
        fault2=rng.choice(_FAULTS),
        place=rng.choice(_PLACES[-12:] if sentence in _SENTENCES else _PLACES),
        team=rng.choice(_TEAMS),
        weekday=rng.choice(_WEEKDAYS),
        month=rng.choice(_MONTHS),
        day=rng.randrange(1, 29),
        n=rng.randrange(2, 60),
        n2=rng.randrange(2, 9),
        price=rng.randrange(5, 900),
        order=rng.randrange(10_000, 99_999),
        serial=f"{rng.choice('ABCDEFG')}{rng.choice('XYZ')}-{rng.randrange(100, 999)}",
    )


def _with(rng: random.Random, text: str, sentences: tuple[str, ...]) -> str:
    return f"{text} {_filled(rng, rng.choice(sentences))}"


def _copied(rng: random.Random, text: str) -> str:
    """The same to a reader: another case, other blanks, another final point, or no difference."""
    how = rng.randrange(6)
    if how == 0:
        return text.upper()
    if how == 1:
        return text.replace(" ", "  ", rng.randrange(1, 9))
    if how == 2:
        return text.replace(" ", "\u00a0", rng.randrange(1, 9))
    if how == 3:
        return text.rstrip(".!?") + "!!"
    return f"\n{text} \t" if how == 4 else text


def _edited(rng: random.Random, text: str, share: float) -> str:
    """Words replaced, left out or put in, at random places."""
    words = text.split(" ")
    for _ in range(max(1, round(share * len(words)))):
        place, how = rng.randrange(len(words)), rng.randrange(3)
        other = rng.choice(_THINGS + _TEAMS + _MONTHS)
        words[place : place + (how < 2)] = [] if how == 0 else [other]
    return " ".join(words)


def _misread(rng: random.Random, text: str) -> str:
    """UTF-8 read as Windows-1252, once or (a tenth) twice; Latin-1 where that has no such byte."""
    for _ in range(1 + (rng.random() < 0.1)):
        raw = text.encode("utf-8")
        try:
            text = raw.decode("cp1252")
        except UnicodeDecodeError:
            text = raw.decode("latin-1")
    return text


def _marked_up(rng: random.Random, text: str) -> str:
    sentences = text.replace(". ", ".\n").split("\n")
    how = rng.randrange(3)
    if how == 0:
        return "<p>" + "</p><p>".join(sentences) + "</p>"
    if how == 1:
        return '<div style="font-family: Arial">' + "<br>".join(sentences) + "</div>"
    return (
        "<html><body>"
        + "<br/>".join(f"<b>{s}</b>" if rng.random() < 0.2 else s for s in sentences)
        + "</body></html>"
    )


def _with_secrets(rng: random.Random, text: str) -> Planted:
    secrets: list[tuple[str, str]] = []
    for _ in range(rng.choice((1, 1, 2))):
        kind = rng.choice(("email", "iban", "card", "phone", "none"))
        if kind == "email":
            value = f"{rng.choice(_THINGS)}.{rng.randrange(100, 9999)}@{rng.choice(_THINGS)}-mail.example.com"
            text += f" You can write to {value} as well."
        elif kind == "iban":
            value = in_fours(iban(rng)) if rng.random() < 0.5 else iban(rng)
            text += f" Please transfer the money to {value}."
        elif kind == "card":
            value = in_fours(card_number(rng)) if rng.random() < 0.5 else card_number(rng)
            text += f" The card {value} was charged twice."
        elif kind == "phone":
            value = f"+49 {rng.randrange(30, 999)} {rng.randrange(1_000_000, 9_999_999)}"
            text += f" Call {value} after six, please."
        else:
            text += (
                f" The parcel code {wrong_card_number(rng)} is not known, version 1.{rng.randrange(99)}.2."
            )
            continue
        secrets.append((kind, value))
    return Planted(text, secrets=secrets)
