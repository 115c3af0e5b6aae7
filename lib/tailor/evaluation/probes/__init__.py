"""Probes: further questions about the best model, in the order in which they are reported. Written out by hand."""

from tailor.evaluation.probes.base import Probe
from tailor.evaluation.probes.bias import Bias
from tailor.evaluation.probes.forgetting import Forgetting
from tailor.evaluation.probes.judge import Judge
from tailor.evaluation.probes.memorization import Memorization
from tailor.evaluation.probes.robustness import Robustness

PROBES: dict[str, Probe] = {probe.name: probe for probe in (Bias(), Robustness(), Forgetting(), Memorization(), Judge())}
