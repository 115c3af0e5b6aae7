"""Rewording by a model behind an address: prompts, retries, and a cache that makes a rerun identical."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from data_project import run, start, write_rows

from tailor.data.augmentation.augment import augment
from tailor.data.augmentation.filters import Strictness
from tailor.data.augmentation.rewriting import PARAPHRASE, Rewriter, clean_answer
from tailor.data.dataset import Example
from tailor.errors import WorkbenchError
from tailor.models.endpoint import EndpointModel
from tailor.progress import Log

ROWS = [Example(f"a:{n}", f"my card number {n} was lost in town", f"label {n % 2}") for n in range(6)]


@pytest.fixture
def server():
    """Rewords by rule, fails the first `served.failing` requests, and keeps what it was asked."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked = body["messages"][0]["content"]
            with served.lock:
                served.asked.append(asked)
                failing, served.failing = served.failing > 0, served.failing - 1
            text = asked.split("Message:\n")[1]
            reply = f'Here is the message:\n"{text.replace("lost", "gone")}, really"'
            if "into German" in asked:
                reply = f"Übersetzt {text}"
            self.send_response(503 if failing else 200)
            self.end_headers()
            self.wfile.write(json.dumps({"choices": [{"message": {"content": reply}}]}).encode())

        def log_message(self, *words):
            pass

    served = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.asked, served.failing, served.lock = [], 0, threading.Lock()
    served.url = f"http://127.0.0.1:{served.server_port}/v1"
    threading.Thread(target=served.serve_forever, daemon=True).start()
    yield served
    served.shutdown()
    served.server_close()


def rewriter(server, folder, **more):
    model = EndpointModel(server.url, "small", pause=0.0, **more)
    return Rewriter(model, f"{server.url} small", folder, seed=3, log=Log())


def reworded(server, folder, kinds=("paraphrase", "back-translation")):
    return augment(
        ROWS,
        [],
        "classify",
        kinds,
        1.0,
        seed=0,
        strictness=Strictness(),
        rewriter=rewriter(server, folder),
        log=Log(),
    )


def test_a_paraphrase_and_a_translation_there_and_back(server, tmp_path):
    ask = rewriter(server, tmp_path)
    assert ask.paraphrase(["it is lost"]) == ["it is gone, really"]
    assert server.asked == [f"{PARAPHRASE}\n\nMessage:\nit is lost"]
    assert ask.back_translate(["it is lost"], "German") == ["Übersetzt it is gone, really"]
    assert "into German" in server.asked[1]
    assert server.asked[2].endswith("Message:\nÜbersetzt it is lost")
    assert "into English" in server.asked[2]


def test_a_fault_that_passes_is_tried_again(server, tmp_path):
    server.failing = 2
    assert rewriter(server, tmp_path).paraphrase(["it is lost"]) == ["it is gone, really"]
    assert len(server.asked) == 3


def test_a_rerun_is_identical_and_asks_nothing(server, tmp_path):
    first = reworded(server, tmp_path)
    asked = len(server.asked)
    assert asked > 6
    assert {row.source for row in first.kept} == {"augmentation:paraphrase", "augmentation:back-translation"}
    assert all(row.parent in {given.id for given in ROWS} for row in first.kept)
    assert reworded(server, tmp_path) == first
    assert len(server.asked) == asked


def test_an_interrupted_run_goes_on_where_it_stopped(server, tmp_path):
    texts = [f"text {n} is lost" for n in range(40)]
    server.failing = 10**6
    with pytest.raises(WorkbenchError, match="gave no answer: state 503"):
        rewriter(server, tmp_path, retries=0).paraphrase(texts[:1])
    server.failing = 0
    rewriter(server, tmp_path).paraphrase(texts[:32])
    asked = len(server.asked)
    assert len(rewriter(server, tmp_path).paraphrase(texts)) == 40
    assert len(server.asked) == asked + 8


def test_a_damaged_cache_is_asked_again(server, tmp_path):
    rewriter(server, tmp_path).paraphrase(["it is lost"])
    (path,) = tmp_path.glob("*.json")
    path.write_text("{broken", encoding="utf-8")
    assert rewriter(server, tmp_path).paraphrase(["it is lost"]) == ["it is gone, really"]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ('"My card is gone."', "My card is gone."),
        ("Sure, here it is:\n\nMy card is gone.", "My card is gone."),
        ("Message: My card is gone.", "My card is gone."),
        ("My card is gone.\nPlease help.", "My card is gone.\nPlease help."),
    ],
)
def test_what_models_put_around_an_answer(answer, message):
    assert clean_answer(answer) == message


@pytest.fixture
def project(home):
    """A project with clean rows, ready for 04."""
    project = start(home, "classify")
    rows = [
        {"text": f"My card number {n} was lost in the city of {n}", "intent": f"label {n % 2}"}
        for n in range(40)
    ]
    write_rows(home / "a.jsonl", rows)
    run(project, "02", sources=["a.jsonl"])
    run(project, "03", **{"operations.drop_near_duplicates.off": True})
    return project


def test_04_asks_a_model_behind_an_address(project, server):
    settings = {"augment_rows": 1.0, "augment_with": ["paraphrase"], "augment_model": "small"}
    settings |= {"augment_address": server.url, "near_duplicates": 0.0, "estimate_more": False}
    record = run(project, "04", **settings)
    (made,) = record.generated
    assert made.source == "augmentation:paraphrase"
    assert made.made == record.splits["train"].rows - made.kept == len(server.asked)
    again = run(project, "04", **settings)
    assert again.content_hash() == record.content_hash()
    assert len(server.asked) == made.made


def test_04_asks_a_model_on_this_machine_and_keeps_little_of_what_a_random_one_says(project, home):
    from tiny_model import write_tiny_model

    model = write_tiny_model(home / "tiny")
    settings = {"augment_rows": 0.3, "augment_with": ["paraphrase"], "augment_model": str(model)}
    record = run(project, "04", near_duplicates=0.0, estimate_more=False, **settings)
    (made,) = record.generated
    assert made.made > made.kept == 0
    assert sum(made.filtered.values()) == made.made
