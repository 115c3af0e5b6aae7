"""A model behind an OpenAI-compatible address (vLLM, Ollama, llama.cpp, a hosted one) as a `LanguageModel`.

Plain HTTP through httpx: the one route that is used, POST /chat/completions, is the part of the protocol on which all
servers agree. Keys are read from environment variables when a request is made, and stand in no file, message or log.
"""

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NoReturn

from tailor.errors import WorkbenchError
from tailor.models.language_model import GenerationConfig, Prompt, Usage

if TYPE_CHECKING:
    import httpx
    import numpy as np

AGAIN = {408, 409, 429, 500, 502, 503, 504}  # states that pass


class EndpointModel:
    """A remote model: it writes answers, and gives no log-probabilities.

    Args:
        base_url: up to and with the version ("http://localhost:8000/v1").
        model: the name the server knows it by.
        api_key_env: the environment variable that holds the key; empty where none is needed.
        timeout: seconds for one answer.
        retries: how often a request is tried again, with growing pauses, where the fault may pass.
        at_once: requests under way together.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        api_key_env: str = "",
        *,
        timeout: float = 60.0,
        retries: int = 3,
        at_once: int = 4,
        pause: float = 1.0,
    ) -> None:
        self.url = base_url.rstrip("/") + "/chat/completions"
        self.model, self.api_key_env = model, api_key_env
        self.timeout, self.retries, self.at_once, self.pause = timeout, retries, at_once, pause
        self.usage = Usage()

    def generate(self, prompts: Sequence[Prompt], config: GenerationConfig) -> list[str]:
        """An answer to each prompt.

        Raises:
            WorkbenchError: no key, no connection, a refusal, or an answer that isn't the protocol's.
        """
        import httpx

        headers = self._headers()
        with (
            self.usage.timed(len(prompts)),
            httpx.Client(timeout=self.timeout, headers=headers) as client,
            ThreadPoolExecutor(self.at_once) as pool,
        ):
            replies = list(pool.map(lambda prompt: self._ask(client, prompt, config), prompts))
        for _, used in replies:
            self.usage.prompt_tokens += int(used.get("prompt_tokens") or 0)
            self.usage.generated_tokens += int(used.get("completion_tokens") or 0)
        return [text.strip() for text, _ in replies]

    def score(self, prompts: Sequence[Prompt], completions: Sequence[str]) -> list[float]:
        self._no_probabilities()

    def score_choices(self, prompts: Sequence[Prompt], choices: Sequence[str]) -> "np.ndarray":
        self._no_probabilities()

    def _no_probabilities(self) -> NoReturn:
        raise WorkbenchError(
            f"{self.model} at {self.url} gives no log-probabilities of a given answer",
            "a model on this machine for scoring labels and answers",
            "use a bundled model or a folder, or let the endpoint write answers (task 'respond')",
        )

    def _headers(self) -> dict[str, str]:
        if not self.api_key_env:
            return {}
        key = os.environ.get(self.api_key_env)
        if not key:
            raise WorkbenchError(
                f"the environment variable {self.api_key_env} is not set",
                f"the key for {self.url}, in that variable and nowhere else",
                f"set it before starting Tailor: export {self.api_key_env}=...",
            )
        return {"Authorization": f"Bearer {key}"}

    def _ask(
        self, client: "httpx.Client", prompt: Prompt, config: GenerationConfig
    ) -> tuple[str, dict[str, Any]]:
        """One answer and what it used; tried again where the fault may pass."""
        import httpx

        body = {
            "model": self.model,
            "messages": prompt,
            "max_tokens": config.max_new_tokens,
            "temperature": config.temperature,
            "top_p": config.top_p,
            "seed": config.seed,
        }
        problem = ""
        for attempt in range(self.retries + 1):
            if attempt:
                time.sleep(self.pause * 2 ** (attempt - 1))
            try:
                reply = client.post(self.url, json=body)
            except httpx.TimeoutException:
                problem = f"no answer within {self.timeout:g} seconds"
                continue
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                problem = f"no connection ({error})"
                continue
            if reply.status_code == 200:
                return self._read(reply)
            problem = f"state {reply.status_code}: {_reason(reply)}"
            if reply.status_code not in AGAIN:
                break
        raise WorkbenchError(
            f"{self.url} gave no answer: {problem}",
            f"an OpenAI-compatible server that knows the model '{self.model}'",
            "check the address, the model's name and the key, and run the cell again",
        )

    def _read(self, reply: "httpx.Response") -> tuple[str, dict[str, Any]]:
        try:
            values = reply.json()
            return values["choices"][0]["message"]["content"] or "", values.get("usage") or {}
        except (ValueError, KeyError, IndexError, TypeError, AttributeError):
            raise WorkbenchError(
                f"{self.url} answered with something else than a chat completion: {reply.text[:100]!r}",
                "an OpenAI-compatible server: JSON with choices[0].message.content",
                "check the address; it usually ends in /v1",
            ) from None


def _reason(reply: "httpx.Response") -> str:
    """What the server says went wrong, short."""
    try:
        error = reply.json()["error"]
        return str(error.get("message", error) if isinstance(error, dict) else error)[:200]
    except (ValueError, KeyError, TypeError):
        return reply.text[:200]
