"""Words and small events of which the second stage's rows and the lesson are made; all of them this project's own."""

from __future__ import annotations

from random import Random

NAMES = ["Ada", "Ben", "Carla", "Dan", "Eva", "Finn", "Grace", "Hugo", "Ines", "Jack", "Kira", "Liam", "Mona",
         "Nils", "Olga", "Paul", "Rosa", "Sam", "Tara", "Uwe", "Vera", "Will"]  # fmt: skip
PLACES = ["park", "library", "kitchen", "garden", "station", "school", "museum", "harbour", "forest", "market",
          "bridge", "village", "theatre", "valley"]  # fmt: skip
THINGS = ["lamp", "kite", "boat", "drum", "ladder", "basket", "mirror", "clock", "bicycle", "map", "tent", "violin",
          "camera", "candle", "bucket", "wheel"]  # fmt: skip
ANIMALS = [
    "fox",
    "owl",
    "horse",
    "rabbit",
    "goat",
    "heron",
    "otter",
    "sheep",
    "beetle",
    "pigeon",
    "donkey",
    "badger",
]
COLOURS = ["red", "blue", "green", "yellow", "white", "black", "brown", "purple", "orange", "grey"]
FOODS = ["bread", "apples", "soup", "cheese", "rice", "plums", "beans", "honey", "carrots", "noodles"]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
ADJECTIVES = ["small", "old", "heavy", "bright", "quiet", "broken", "new", "warm", "empty", "strange"]
PAST = {
    "found": "find", "carried": "carry", "painted": "paint", "lost": "lose", "repaired": "repair", "drew": "draw",
    "bought": "buy", "hid": "hide", "cleaned": "clean", "borrowed": "borrow",
}  # fmt: skip
OPPOSITES = {
    "hot": "cold", "early": "late", "tall": "short", "open": "closed", "full": "empty", "loud": "quiet",
    "light": "dark", "near": "far", "strong": "weak", "wet": "dry", "old": "young", "rough": "smooth",
    "fast": "slow", "high": "low", "wide": "narrow", "rich": "poor", "soft": "hard", "first": "last",
}  # fmt: skip
PLURALS = {
    "child": "children", "box": "boxes", "city": "cities", "leaf": "leaves", "mouse": "mice", "foot": "feet",
    "boat": "boats", "lamp": "lamps", "story": "stories", "knife": "knives", "bus": "buses", "tooth": "teeth",
    "bird": "birds", "dish": "dishes", "baby": "babies", "man": "men", "woman": "women", "day": "days",
}  # fmt: skip
KINDS = {
    "animal": ANIMALS, "colour": COLOURS, "food": FOODS, "day of the week": DAYS, "object": THINGS, "place": PLACES,
}  # fmt: skip
TOPICS = {
    "sport": ["The team won the final match.", "She ran the race in under an hour.", "The keeper caught the ball.",
              "Both players trained every morning.", "The swimmers waited for the start."],
    "weather": ["Heavy rain fell all night.", "The sky was clear and cold.", "Snow is expected in the hills.",
                "A strong wind blew from the sea.", "Fog covered the whole valley."],
    "travel": ["The train to the coast leaves at nine.", "They crossed the border by bus.",
               "Our plane landed two hours late.", "The ferry was full of tourists.", "We packed one small suitcase."],
    "music": ["The choir sang three old songs.", "He tuned his violin before the concert.",
              "The drummer lost the beat.", "She wrote a new tune for the band.", "The piano needs repair."],
    "food": ["The soup needs more salt.", "They baked bread in a stone oven.", "He cut the apples into slices.",
             "Dinner was rice with beans.", "The cake was still warm."],
    "science": ["The telescope showed a new comet.", "Cells divide many times a day.",
                "The team measured the speed of light.", "Iron melts at a high temperature.",
                "The experiment was repeated twice."],
}  # fmt: skip
TONES = {
    "positive": ["I enjoyed every minute of it.", "What a lovely surprise!", "The view was wonderful.",
                 "Everyone was kind to us.", "I would gladly come again.", "It made me smile all day."],
    "negative": ["I was bored after ten minutes.", "What a waste of an afternoon.", "The room was cold and dirty.",
                 "Nobody answered our question.", "I will not come again.", "It ruined the whole trip."],
}  # fmt: skip


def article(word: str) -> str:
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


def listing(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]


def event(rng: Random) -> dict[str, str]:
    """Make one small event whose parts can be asked for."""
    verb = rng.choice(list(PAST))
    return {
        "name": rng.choice(NAMES), "verb": verb, "base": PAST[verb], "adjective": rng.choice(ADJECTIVES),
        "thing": rng.choice(THINGS), "place": rng.choice(PLACES), "day": rng.choice(DAYS),
    }  # fmt: skip


def tell(e: dict[str, str], rng: Random | None = None) -> str:
    phrase = f"{e['name']} {e['verb']} {article(e['adjective'])} {e['thing']} in the {e['place']}"
    if rng is not None and rng.random() < 0.5:
        return f"On {e['day']} {phrase}."
    return f"{phrase} on {e['day']}."


def any_sentence(rng: Random) -> str:
    """A sentence from a topic or a small event."""
    return rng.choice(rng.choice(list(TOPICS.values()))) if rng.random() < 0.5 else tell(event(rng), rng)
