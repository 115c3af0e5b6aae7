"""A real JupyterLab and a real browser, on a small project in a temporary workspace."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

import pytest

from tailor.notebook import open_step
from tailor.project import source_home

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ROWS = [
    ("How do I raise my limit?", "Open Payments > Limits in the app."),
    ("How do I raise my limit??", "Open Payments > Limits in the app."),
    ("My card is lost, please help me now", "I have blocked the card. A new one comes within 5 days."),
    ("My card is lost, please help me today", "I have blocked the card. A new one comes within 5 days."),
    ("Costs $5 and $6 <img src=x onerror=alert(1)>", "Both are fees for cash machines abroad."),
    ("When does the branch open?", "From 9 to 16, Monday to Friday."),
]


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab: its address, token and workspace."""

    url: str
    token: str
    workspace: Path


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the notebooks, and a project that is ready for 03_clean_data."""
    folder = tmp_path_factory.mktemp("workspace")
    shutil.copytree(source_home() / "notebooks", folder / "notebooks")
    lines = ["message,reply", *(f'"{message}","{reply}"' for message, reply in ROWS)]
    (folder / "tickets.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TAILOR_HOME", str(folder))
        open_step("00_start_here", "bank_support", {}).run()
        open_step("01_define_use_case", "bank_support", {"glossary_file": ""}).run()
        open_step("02_gather_data", "bank_support", {"sources": ["tickets.csv"], "test_source": ""}).run()
    return folder


@pytest.fixture(scope="session")
def lab(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab on a free port of this machine, with settings of its own."""
    own = tmp_path_factory.mktemp("jupyter")
    token, port = secrets.token_hex(16), _free_port()
    environment = os.environ | {
        "TAILOR_HOME": str(workspace),
        "JUPYTER_CONFIG_DIR": str(own / "config"),
        "JUPYTER_DATA_DIR": str(own / "data"),
        "JUPYTER_RUNTIME_DIR": str(own / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(own / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(own / "workspaces"),
        "JUPYTER_TOKEN": token,
    }
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", "--ip=127.0.0.1"]
    command += [f"--port={port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={workspace}"]
    command += ["--LabApp.expose_app_in_browser=True"]
    quiet = own / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    quiet.parent.mkdir(parents=True)
    quiet.write_text('{"fetchNews": "false", "checkForUpdates": false}', encoding="utf-8")
    with (own / "server.log").open("wb") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_up(f"{url}/api/status?token={token}", server, own / "server.log")
            yield Lab(url, token, workspace)
        finally:
            server.terminate()
            server.wait(timeout=20)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _wait_until_up(url: str, server: subprocess.Popen, log: Path, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except (URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text(encoding='utf-8')[-2000:]}")


@pytest.fixture
def page(lab: Lab) -> Iterator:
    """A browser's page. Skipped where there is no Chromium."""
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-quic", "--disable-background-networking"],
        )
        page = browser.new_page(viewport={"width": 1440, "height": 1100})
        page.set_default_timeout(60_000)
        yield page
        browser.close()
