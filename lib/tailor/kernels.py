"""Kernels for the headless series: warm ones, forked from a process that has already imported the stack.

Importing torch, transformers and peft takes seconds, and fourteen notebooks would each pay for it. Python's own fork
server (`multiprocessing`, start method "forkserver") imports them once, in the background, while the first notebooks
run on plain kernels; every later kernel is a fork of it and starts with everything imported.

A fork copies only the thread that asked for it, so a process with more threads must not be forked: `Warmth` counts
the threads after importing and falls back to plain kernels where there is more than one, or no /proc to count in.
Every kernel ends with its driver, however that ends: a plain one by prctl's PR_SET_PDEATHSIG; a forked one is the fork
server's child, so it watches the driver itself, and dies by PR_SET_PDEATHSIG when the server does.
"""

import multiprocessing
import os
import signal
import sys
import threading
from typing import Any

from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.provisioning import LocalProvisioner

from tailor.machine import use_cores_politely

STACK = [
    "ipykernel.kernelapp",
    "ipywidgets",
    "matplotlib.pyplot",
    "pyarrow.parquet",
    "torch",
    "transformers.models.auto.modeling_auto",
    "transformers.models.auto.tokenization_auto",
    "transformers.models.llama.modeling_llama",
    "transformers.trainer",
    "peft",
    "sklearn.metrics",
]
"""What the fork server imports. Not polars: it starts threads as soon as it is imported (and loads in 0.2 s)."""

_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Ask Linux to kill this process when the one that started it ends, however it ends. Elsewhere: do nothing."""
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it ended between the two calls
        os._exit(1)


def run_kernel(arguments: list[str]) -> None:
    """Be a kernel until told to stop. `arguments` are those of ipykernel: ["-f", connection_file]."""
    from ipykernel.kernelapp import IPKernelApp

    IPKernelApp.launch_instance(argv=arguments)


# --- the fork server -----------------------------------------------------------------------------------------------
class Warmth:
    """The fork server: started in the background, asked whether it may be forked from."""

    def __init__(self) -> None:
        self.context = multiprocessing.get_context("forkserver") if _can_fork() else None
        self._sound = False
        self._probe: threading.Thread | None = None

    def start(self) -> None:
        """Begin importing the stack in the background; a second call does nothing."""
        if self.context is not None and self._probe is None:
            use_cores_politely()  # the server inherits these variables, and so do its kernels
            # kernels are ended at once, which the bookkeeper of semaphores would tell as a leak
            os.environ.setdefault("PYTHONWARNINGS", "ignore:resource_tracker:UserWarning")
            self.context.set_forkserver_preload(STACK)
            self._probe = threading.Thread(target=self._find_out, name="warm-up", daemon=True)
            self._probe.start()

    def _find_out(self) -> None:
        try:
            child = self.context.Process(target=_report_threads, daemon=True)
            child.start()
            child.join()
            self._sound = child.exitcode == 0
        except (OSError, EOFError):
            self._sound = (
                False  # the server could not start or stumbled over an import: plain kernels will do
            )

    def ready(self, wait: bool) -> bool:
        """Whether a kernel may be forked now.

        Args:
            wait: wait for the imports to end; they were going to cost this step the same time anyway.
        """
        if self._probe is None:
            return False
        if wait:
            self._probe.join()
        return not self._probe.is_alive() and self._sound


def _can_fork() -> bool:
    """Forking is safe to check only where /proc tells the number of threads."""
    return os.path.isdir("/proc/self/task") and "forkserver" in multiprocessing.get_all_start_methods()


def _report_threads() -> None:
    """Runs in a first fork: its parent is the fork server. Ends with 0 if that has a single thread."""
    raise SystemExit(0 if len(os.listdir(f"/proc/{os.getppid()}/task")) == 1 else 1)


def _end_with_driver(server: int) -> None:
    """Wait for the driver to end, then end the fork server (its orderly end takes seconds), and with it this kernel."""
    multiprocessing.parent_process().join()
    os.kill(server, signal.SIGKILL)
    os._exit(1)


def _be_forked_kernel(arguments: list[str], folder: str, environment: dict[str, str]) -> None:
    """Runs in a fork: turn this copy of the warm process into what a freshly started kernel would be."""
    os.setsid()  # its own process group, as Jupyter's kernels have: signals for the driver do not reach it
    server = os.getppid()
    die_with_parent()
    threading.Thread(target=_end_with_driver, args=(server,), daemon=True).start()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv[:] = ["tailor-kernel", *arguments]
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    if "numpy" in sys.modules:  # all forks would draw the same numbers; torch's generator starts alike anyway
        sys.modules["numpy"].random.seed()
    run_kernel(arguments)


# --- how Jupyter's client starts and watches them -------------------------------------------------------------------
class _ForkedProcess:
    """A forked kernel with the names of subprocess.Popen that Jupyter's provisioner uses."""

    stdin = stdout = stderr = None

    def __init__(self, process: multiprocessing.Process) -> None:
        self._process = process
        self.pid = process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self) -> int | None:
        self._process.join()
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


class WarmProvisioner(LocalProvisioner):
    """Starts a kernel by forking the fork server."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> dict[str, Any]:
        arguments = cmd[cmd.index("-f") :]
        folder = str(kwargs.get("cwd") or os.getcwd())
        environment = dict(kwargs.get("env") or os.environ)
        process = WARMTH.context.Process(target=_be_forked_kernel, args=(arguments, folder, environment))
        process.start()
        self.process = _ForkedProcess(process)
        self.pid = self.pgid = process.pid  # it calls setsid
        return self.connection_info


class PlainKernelManager(AsyncKernelManager):
    """Starts a kernel as a fresh process of this very Python, whatever kernels are registered on the machine."""

    provisioner_class = LocalProvisioner

    @property
    def kernel_spec(self) -> KernelSpec:
        argv = [sys.executable, "-m", "tailor.kernels", "-f", "{connection_file}"]
        encrypted = {"supported_encryption": "curve"}
        return KernelSpec(argv=argv, display_name="Python 3", language="python", metadata=encrypted)

    async def _async_pre_start_kernel(self, **kw: Any) -> tuple[list[str], dict[str, Any]]:
        kw["transport_encryption"] = "required"
        if self.provisioner is None:
            self.kernel_id = self.kernel_id or f"tailor-{os.getpid()}"
            self.provisioner = self.provisioner_class(
                kernel_id=self.kernel_id, kernel_spec=self.kernel_spec, parent=self
            )
        return await super()._async_pre_start_kernel(**kw)


class WarmKernelManager(PlainKernelManager):
    """Starts a kernel as a fork of the warm process."""

    provisioner_class = WarmProvisioner


WARMTH = Warmth()


def kernel_manager(heavy: bool) -> type[AsyncKernelManager]:
    """The manager for the next notebook.

    Args:
        heavy: the notebook needs the stack, so waiting for the fork server costs nothing.
    """
    return WarmKernelManager if WARMTH.ready(wait=heavy) else PlainKernelManager


if __name__ == "__main__":
    die_with_parent()
    use_cores_politely()
    run_kernel(sys.argv[1:])
