"""Techniques: the ways of customizing a model, one file each. Adding one means its file and its line below.

Importing this package loads neither torch nor peft: each technique imports them when it fits or loads.
"""

from tailor.errors import WorkbenchError, did_you_mean
from tailor.techniques.adalora import AdaLoRA
from tailor.techniques.base import Technique
from tailor.techniques.bottleneck import Bottleneck
from tailor.techniques.chain_of_thought import ChainOfThought
from tailor.techniques.domain_adaptive import DomainAdaptive
from tailor.techniques.encoder_classifier import EncoderClassifier
from tailor.techniques.few_shot import FewShot
from tailor.techniques.full import Full
from tailor.techniques.head_only import HeadOnly
from tailor.techniques.ia3 import IA3
from tailor.techniques.instruction_search import InstructionSearch
from tailor.techniques.larc import LARC
from tailor.techniques.last_layers import LastLayers
from tailor.techniques.layer_norm import LayerNorm
from tailor.techniques.layerwise import Layerwise
from tailor.techniques.lora import LoRA
from tailor.techniques.multitask_prompt import MultitaskPrompt
from tailor.techniques.p_tuning import PTuning
from tailor.techniques.prefix_tuning import PrefixTuning
from tailor.techniques.prompt_tuning import PromptTuning
from tailor.techniques.qlora import QLoRA
from tailor.techniques.setfit import SetFit
from tailor.techniques.system_prompt import SystemPrompt
from tailor.techniques.transfer import Transfer
from tailor.techniques.zero_shot import ZeroShot

TECHNIQUES: dict[str, Technique] = {
    ZeroShot.name: ZeroShot(),
    SystemPrompt.name: SystemPrompt(),
    InstructionSearch.name: InstructionSearch(),
    FewShot.name: FewShot(),
    ChainOfThought.name: ChainOfThought(),
    PromptTuning.name: PromptTuning(),
    PTuning.name: PTuning(),
    MultitaskPrompt.name: MultitaskPrompt(),
    PrefixTuning.name: PrefixTuning(),
    LoRA.name: LoRA(),
    QLoRA.name: QLoRA(),
    AdaLoRA.name: AdaLoRA(),
    IA3.name: IA3(),
    Bottleneck.name: Bottleneck(),
    LayerNorm.name: LayerNorm(),
    LastLayers.name: LastLayers(),
    HeadOnly.name: HeadOnly(),
    Full.name: Full(),
    Layerwise.name: Layerwise(),
    LARC.name: LARC(),
    Transfer.name: Transfer(),
    DomainAdaptive.name: DomainAdaptive(),
    SetFit.name: SetFit(),
    EncoderClassifier.name: EncoderClassifier(),
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
