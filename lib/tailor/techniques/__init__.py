"""Techniques: the ways of customizing a model, one file each. Adding one means its file and its line below.

Importing this package loads neither torch nor peft: each technique imports them when it fits or loads.
"""

from tailor.errors import WorkbenchError, did_you_mean
from tailor.techniques.base import Technique
from tailor.techniques.few_shot import FewShot
from tailor.techniques.full import Full
from tailor.techniques.lora import LoRA
from tailor.techniques.p_tuning import PTuning
from tailor.techniques.prompt_tuning import PromptTuning
from tailor.techniques.zero_shot import ZeroShot

TECHNIQUES: dict[str, Technique] = {
    ZeroShot.name: ZeroShot(),
    FewShot.name: FewShot(),
    PromptTuning.name: PromptTuning(),
    PTuning.name: PTuning(),
    LoRA.name: LoRA(),
    Full.name: Full(),
}


def find_technique(name: str) -> Technique:
    """The technique called `name`.

    Raises:
        WorkbenchError: there is none.
    """
    if name not in TECHNIQUES:
        raise WorkbenchError(
            f"there is no technique '{name}'",
            f"one of: {', '.join(TECHNIQUES)}",
            f"correct the name.{did_you_mean(name, TECHNIQUES)}",
        )
    return TECHNIQUES[name]
