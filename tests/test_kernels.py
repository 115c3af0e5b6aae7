"""When a warm fork is used, and when plain kernels have to do. What they compute is compared in test_runner."""

import os
import subprocess
import sys

import pytest

from tailor.kernels import STACK, PlainKernelManager, WarmKernelManager, Warmth

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="forks are used on Linux only")

ASK = """
import tailor.kernels
tailor.kernels.STACK[:] = [{module!r}]
tailor.kernels.WARMTH.start()
print(tailor.kernels.kernel_manager(heavy=True).__name__)
"""


def chosen(folder, module: str, source: str) -> str:
    """Which manager is used when the fork server imports a module with this source."""
    (folder / f"{module}.py").write_text(source)
    done = subprocess.run(
        [sys.executable, "-c", ASK.format(module=module)],
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout.strip()


def test_a_server_with_one_thread_is_forked(tmp_path):
    assert chosen(tmp_path, "harmless", "value = 1") == WarmKernelManager.__name__


def test_a_server_with_more_threads_is_not(tmp_path):
    source = "import threading, time\nthreading.Thread(target=time.sleep, args=(30,), daemon=True).start()"
    assert chosen(tmp_path, "threaded", source) == PlainKernelManager.__name__


def test_a_server_that_falls_over_is_not(tmp_path):
    assert chosen(tmp_path, "broken", "raise ValueError('broken')") == PlainKernelManager.__name__


def test_without_a_server_kernels_are_plain():
    assert Warmth().ready(wait=True) is False


def test_the_stack_stays_single_threaded_when_imported():
    """The reason for what stands in STACK and for the variables of `use_cores_politely`."""
    code = f"import importlib, os\nfor name in {STACK!r}: importlib.import_module(name)\n"
    code = "from tailor.machine import use_cores_politely\nuse_cores_politely()\n" + code
    code += "print(len(os.listdir('/proc/self/task')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"
