"""Probes: further questions about the best model, in the order in which they are reported. Written out by hand."""

from tailor.evaluation.probes.adapter_changes import AdapterChanges
from tailor.evaluation.probes.base import Probe
from tailor.evaluation.probes.bias import Bias
from tailor.evaluation.probes.explanation import Explanation
from tailor.evaluation.probes.forgetting import Forgetting
from tailor.evaluation.probes.influence import InfluenceProbe
from tailor.evaluation.probes.injection import Injection
from tailor.evaluation.probes.judge import Judge
from tailor.evaluation.probes.memorization import Memorization
from tailor.evaluation.probes.out_of_scope import OutOfScope
from tailor.evaluation.probes.over_refusal import OverRefusal
from tailor.evaluation.probes.robustness import Robustness

PROBES: dict[str, Probe] = {
    probe.name: probe
    for probe in (
        Robustness(),
        Injection(),
        OutOfScope(),
        Bias(),
        OverRefusal(),
        Forgetting(),
        Memorization(),
        Explanation(),
        InfluenceProbe(),
        AdapterChanges(),
        Judge(),
    )
}
