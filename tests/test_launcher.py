"""The launcher, with a Python that only writes down what it is asked to do."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tailor.project import source_home

TOOLS = ("sh", "cat", "cksum", "cp", "dirname", "mkdir", "rm", "uname", "kill")
FAKE_PYTHON = """#!/bin/sh
echo "$@" >> "$ASKED"
case "$*" in
"-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
*"torch==2.13.0+cpu"*) test -z "${NO_CPU_BUILD:-}" ;;
*" -e "*) test -z "${CUT_OFF:-}" || kill -9 "$PPID" ;;
esac
"""


class Clone:
    """A copy of the launcher and of what it reads, in a folder with blanks, with only the fake Python on the PATH."""

    def __init__(self, folder: Path, old_python: bool = False) -> None:
        self.folder = folder / "my clone ü"
        self.folder.mkdir()
        for name in ("workbench", "pyproject.toml", "constraints.txt"):
            shutil.copy(source_home() / name, self.folder)
        tools = folder / "tools"
        tools.mkdir()
        for name in TOOLS:
            if found := shutil.which(name):
                (tools / name).symlink_to(found)
        python = tools / "python3"
        python.write_text("#!/bin/sh\nexit 1\n" if old_python else FAKE_PYTHON)
        python.chmod(0o755)
        self.asked_file = folder / "asked"
        self.environment = {"PATH": str(tools), "ASKED": str(self.asked_file)}

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess:
        self.asked_file.write_text("")
        command = [str(self.folder / "workbench"), *words]
        return subprocess.run(
            command, env={**self.environment, **environment}, capture_output=True, text=True
        )

    def asked(self) -> list[str]:
        """What Python was asked, shortened; the tests whether a Python is suitable are left out."""
        lines = self.asked_file.read_text().replace(str(self.folder), "HERE").splitlines()
        pip = "-m pip install -qq --disable-pip-version-check -c HERE/constraints.txt "
        return [line.replace(pip, "pip ") for line in lines if not line.startswith("-c import")]


@pytest.fixture
def clone(tmp_path):
    return Clone(tmp_path)


def no_gpu() -> bool:
    return os.uname().sysname == "Linux" and not os.path.exists("/dev/nvidia0")


@pytest.mark.skipif(not no_gpu(), reason="the CPU build is asked for on Linux without an NVIDIA GPU")
def test_the_first_start_sets_up_and_the_second_does_not(clone):
    done = clone.run("run", "--project", "mine")
    assert (done.returncode, done.stderr) == (
        0,
        f"Setting up the environment in {clone.folder}/.venv; this happens once and takes about two minutes.\n"
        "  1/2 torch\n  2/2 the other packages\n",
    )
    work = "-m tailor.cli run --project mine"
    assert clone.asked() == ["-m venv HERE/.venv", "pip torch==2.13.0+cpu", "pip -e HERE", work]
    start = time.perf_counter()
    done = clone.run("run", "--project", "mine")
    assert time.perf_counter() - start < 2
    assert (done.stderr, clone.asked()) == ("", [work])


@pytest.mark.skipif(not no_gpu(), reason="the CPU build is asked for on Linux without an NVIDIA GPU")
def test_without_a_cpu_build_the_general_one_is_taken(clone):
    done = clone.run("run", NO_CPU_BUILD="1")
    assert "    (no CPU build of torch found: taking the general one, which is larger)\n" in done.stderr
    assert clone.asked()[1:3] == ["pip torch==2.13.0+cpu", "pip torch==2.13.0"]


def test_an_index_of_cpu_builds_can_be_named(clone):
    clone.run("run", TAILOR_TORCH_INDEX="https://index.example/cpu")
    if no_gpu():
        assert clone.asked()[1] == "pip --extra-index-url https://index.example/cpu torch==2.13.0+cpu"


def test_a_set_up_that_was_cut_off_begins_anew(clone):
    assert clone.run("run", CUT_OFF="1").returncode != 0
    assert "-m tailor.cli run" not in clone.asked()
    done = clone.run("run")
    assert done.returncode == 0
    assert clone.asked()[0] == "-m venv HERE/.venv"
    assert clone.asked()[-1] == "-m tailor.cli run"


def test_changed_pins_are_installed_into_the_same_environment(clone):
    clone.run("run")
    with (clone.folder / "constraints.txt").open("a") as file:
        file.write("another==1.0\n")
    clone.run("run")
    assert "-m venv HERE/.venv" not in clone.asked()
    assert "pip -e HERE" in clone.asked()


def test_a_moved_folder_is_set_up_again(clone):
    clone.run("run")
    clone.folder = clone.folder.rename(clone.folder.with_name("moved"))
    clone.run("run")
    assert "pip -e HERE" in clone.asked()


def test_test_installs_what_tests_need_and_run_is_content_with_it(clone):
    clone.run("test", "-k", "launcher")
    assert clone.asked()[-2:] == ["pip -e HERE[dev]", "-m pytest -n 2 -k launcher"]
    clone.run("status")
    assert clone.asked() == ["-m tailor.cli status"]


def test_without_words_it_opens_the_lab(clone):
    clone.run()
    assert clone.asked()[-1] == "-m tailor.cli lab"


def test_no_suitable_python_is_told(tmp_path):
    done = Clone(tmp_path, old_python=True).run("run")
    assert (done.returncode, done.stderr.partition("\n")[2]) == (
        1,
        "Found: no Python 3.11 or newer\nNeeded: python3.11 or newer on the PATH\n"
        "Do: install it from python.org or your system's packages, or let TAILOR_PYTHON name it\n",
    )


def test_a_named_python_that_does_not_do_is_told(clone):
    done = clone.run("run", TAILOR_PYTHON="/no/python")
    assert done.returncode == 1
    assert done.stderr.endswith(
        "Found: TAILOR_PYTHON=/no/python is not Python 3.11 or newer\n"
        "Needed: Python 3.11 or newer\nDo: let TAILOR_PYTHON name another Python, or unset it\n"
    )


def test_continuous_integration_runs_the_readmes_test_command():
    readme = (source_home() / "README.md").read_text(encoding="utf-8")
    script = (source_home() / ".ci" / "run").read_text(encoding="utf-8")
    assert "./workbench test" in readme
    assert script.splitlines()[-1] == "exec ./workbench test"


def test_conda_users_get_the_same_pins():
    text = (source_home() / "environment.yml").read_text(encoding="utf-8")
    assert "- -c constraints.txt" in text
    pins = (source_home() / "constraints.txt").read_text(encoding="utf-8").splitlines()
    torch = next(line for line in pins if line.startswith("torch=="))
    assert f"- {torch}" in text
    assert f"torch={torch.removeprefix('torch==')}" in (source_home() / "workbench").read_text(
        encoding="utf-8"
    )
