"""A model behind an address, against a small server on this machine."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tailor.errors import WorkbenchError
from tailor.models.endpoint import EndpointModel
from tailor.models.language_model import GenerationConfig

PROMPT = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def server():
    """Answers with what stands in `replies`, one after the other (the last one for ever), and keeps the requests."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            served.requests.append((self.path, body, self.headers.get("Authorization")))
            state, reply = served.replies.pop(0) if len(served.replies) > 1 else served.replies[0]
            self.send_response(state)
            self.end_headers()
            self.wfile.write(reply.encode())

        def log_message(self, *words):
            pass

    served = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.requests, served.replies = [], []
    served.url = f"http://127.0.0.1:{served.server_port}/v1"
    threading.Thread(target=served.serve_forever, daemon=True).start()
    yield served
    served.shutdown()
    served.server_close()


def said(text):
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    return 200, json.dumps({"choices": [{"message": {"content": text}}], "usage": usage})


def test_answers_come_in_order_and_are_counted(server):
    server.replies = [said(" Hi ")]
    model = EndpointModel(server.url + "/", "small")
    assert model.generate([PROMPT] * 3, GenerationConfig(max_new_tokens=9)) == ["Hi"] * 3
    assert (model.usage.requests, model.usage.prompt_tokens, model.usage.generated_tokens) == (3, 9, 6)
    path, body, key = server.requests[0]
    assert path == "/v1/chat/completions"
    assert body["messages"] == PROMPT
    assert (body["model"], body["max_tokens"], body["temperature"]) == ("small", 9, 0.0)
    assert key is None


def test_the_key_comes_from_the_environment(server, monkeypatch):
    server.replies = [said("Hi")]
    monkeypatch.setenv("SOME_KEY", "secret-value")
    EndpointModel(server.url, "small", "SOME_KEY").generate([PROMPT], GenerationConfig())
    assert server.requests[0][2] == "Bearer secret-value"
    monkeypatch.delenv("SOME_KEY")
    with pytest.raises(WorkbenchError) as error:
        EndpointModel(server.url, "small", "SOME_KEY").generate([PROMPT], GenerationConfig())
    assert str(error.value) == (
        "Found: the environment variable SOME_KEY is not set\n"
        f"Needed: the key for {server.url}/chat/completions, in that variable and nowhere else\n"
        "Do: set it before starting Tailor: export SOME_KEY=..."
    )


def test_a_fault_that_passes_is_tried_again(server):
    server.replies = [(503, "busy"), (429, "slower"), said("Hi")]
    assert EndpointModel(server.url, "small", pause=0.0).generate([PROMPT], GenerationConfig()) == ["Hi"]
    assert len(server.requests) == 3


def test_a_refusal_is_told_at_once_and_without_the_key(server, monkeypatch):
    monkeypatch.setenv("SOME_KEY", "secret-value")
    server.replies = [(404, json.dumps({"error": {"message": "no model 'smal'"}}))]
    with pytest.raises(WorkbenchError) as error:
        EndpointModel(server.url, "smal", "SOME_KEY", pause=0.0).generate([PROMPT], GenerationConfig())
    assert str(error.value) == (
        f"Found: {server.url}/chat/completions gave no answer: state 404: no model 'smal'\n"
        "Needed: an OpenAI-compatible server that knows the model 'smal'\n"
        "Do: check the address, the model's name and the key, and run the cell again"
    )
    assert len(server.requests) == 1


def test_an_answer_that_is_no_chat_completion(server):
    server.replies = [(200, "<html>welcome</html>")]
    with pytest.raises(WorkbenchError) as error:
        EndpointModel(server.url, "small").generate([PROMPT], GenerationConfig())
    assert error.value.found == (
        f"{server.url}/chat/completions answered with something else than a chat completion: '<html>welcome</html>'"
    )


def test_nobody_there():
    with pytest.raises(WorkbenchError, match="gave no answer: no connection"):
        EndpointModel("http://127.0.0.1:9/v1", "small", retries=1, pause=0.0).generate(
            [PROMPT], GenerationConfig()
        )


def test_no_log_probabilities():
    model = EndpointModel("http://127.0.0.1:9/v1", "small")
    for ask in (lambda: model.score([PROMPT], ["a"]), lambda: model.score_choices([PROMPT], ["a"])):
        with pytest.raises(WorkbenchError) as error:
            ask()
        assert error.value.found == (
            "small at http://127.0.0.1:9/v1/chat/completions gives no log-probabilities of a given answer"
        )
