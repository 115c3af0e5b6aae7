"""What this machine has: cores, memory, accelerator, and which number format trains fastest on it."""

import os
import platform
import resource
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Machine:
    """Cores, memory in GiB, accelerator name (empty for none), and whether the CPU multiplies bf16 natively."""

    system: str
    cores: int
    memory_gib: float
    accelerator: str
    fast_bf16: bool

    def as_dict(self) -> dict:
        return asdict(self)


@cache
def find_machine() -> Machine:
    """Look at this machine. Cheap: torch is asked only if it is already imported or an NVIDIA device file exists."""
    return Machine(platform.system(), cores(), round(_memory_gib(), 1), _accelerator(), _fast_bf16())


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory_gib() -> float:
    import psutil

    return psutil.virtual_memory().total / 2**30


def _accelerator() -> str:
    if not ("torch" in sys.modules or Path("/dev/nvidia0").exists() or platform.system() == "Darwin"):
        return ""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_name(0)
    return "Apple GPU (mps)" if torch.backends.mps.is_available() else ""


def _fast_bf16() -> bool:
    """bf16 products are two to four times as fast as fp32 where the CPU has them, and slower where it has not."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def use_cores_politely() -> None:
    """Let waiting threads sleep. Must run before torch loads: spinning costs up to eight times on a busy machine.

    NumPy's own thread pool and Arrow's background thread are left out: numpy works on small arrays here, the same
    number of threads everywhere gives the same last digits, and a process with one thread can be forked
    (tailor.kernels).
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("JE_ARROW_MALLOC_CONF", "background_thread:false")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # oneDNN keeps compiled kernels for every shape it has seen; its own limit of 1,024 cost gigabytes
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "128")


def reset_peak_memory() -> None:
    """Start a new measurement of peak memory, where the system allows it (Linux)."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")


def peak_memory_gib() -> float:
    """Highest resident memory of this process since the last reset, in GiB."""
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        kib = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
        return kib / 2**20
    except (OSError, StopIteration):
        unit = 1 if platform.system() == "Darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30
