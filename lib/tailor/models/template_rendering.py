"""Chat templates come with a model, so a stranger wrote them: they are rendered where they can do no harm.

Jinja's sandbox keeps a template from files and attributes, and not from `{{ 'a' * 10**9 }}`, which fills a gigabyte in
one expression. A template that can only grow with its messages is rendered here; any other one in a process of its
own, with limits on memory, time and what it may write.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from tailor.errors import WorkbenchError

MOST_LETTERS = 200_000
MOST_BYTES = 512 * 2**20
MOST_SECONDS = 2  # of the processor; on a busy machine it may wait ten times as long

# nodes with which a template writes its messages once and cannot make anything much longer than they are
_HARMLESS = {
    *("Template", "Output", "TemplateData", "Const", "Name", "NSRef", "Getitem", "Getattr", "For", "If"),
    *(
        "CondExpr",
        "Compare",
        "Operand",
        "And",
        "Or",
        "Not",
        "Add",
        "Concat",
        "Filter",
        "Test",
        "Sub",
        "Neg",
        "Slice",
    ),
    *("Keyword", "CallBlock", "ExtensionAttribute", "Call", "List", "Tuple"),
}
_FILTERS = {"trim", "length", "upper", "lower", "title", "string", "list", "first", "last", "default", "safe"}
_CALLS = {"raise_exception", "strftime_now"}
Messages = Sequence[dict[str, str]]


def render_chats(
    template: str, chats: Sequence[tuple[Messages, bool]], special_tokens: dict[str, Any], name: str = ""
) -> list[str | WorkbenchError]:
    """Render chats with a template.

    Args:
        chats: messages, and whether what announces an answer comes last.
        special_tokens: "bos_token" -> "<s>", ... as templates name them.
        name: whose template it is, for errors.

    Returns:
        For each chat its text; a WorkbenchError (not raised) where the template refuses such a chat.

    Raises:
        WorkbenchError: the template cannot be read, or does not stay within memory, time and length.
    """
    work = {"template": template, "chats": [list(chat) for chat in chats], "special_tokens": special_tokens}
    found = _render(work) if grows_with_messages_only(template) else _render_apart(work, name)
    if "broken" in found:
        raise WorkbenchError(
            f"the chat template of {name or 'this tokenizer'} {found['broken']}",
            "a template that writes the messages and what stands between them",
            "use another base model, or delete chat_template from its tokenizer's files",
        )
    return [
        text
        if text is not None
        else WorkbenchError(
            f"the chat template of {name or 'this tokenizer'} refuses {_shape(chat)}: {refusal}",
            "messages in an order that this model was made for",
            "change the messages, or use another base model",
        )
        for (text, refusal), (chat, _) in zip(found["texts"], chats, strict=True)
    ]


def _shape(chat: Messages) -> str:
    return "messages of " + ", ".join(message["role"] for message in chat)


@lru_cache(maxsize=64)
def grows_with_messages_only(template: str) -> bool:
    """Whether a template is so plain that its text cannot outgrow the messages: no multiplication, no variable that
    doubles, no loop inside a loop, no range."""
    from jinja2 import TemplateError, nodes

    try:
        tree = _environment().parse(template)
    except (TemplateError, RecursionError, MemoryError):
        return False
    for node in tree.find_all(nodes.Node):
        kind = type(node).__name__
        if kind in ("Call", "CallBlock"):
            called = node.node if kind == "Call" else node.call.node
            plain = isinstance(called, nodes.Name) and called.name in _CALLS
            if not plain and type(called).__name__ != "ExtensionAttribute":
                return False
        if kind == "Filter" and node.name not in _FILTERS:
            return False
        if kind == "For" and (
            not isinstance(node.iter, (nodes.Name, nodes.Getitem)) or next(node.find_all(nodes.For), None)
        ):
            return False
        if kind not in _HARMLESS and not isinstance(node, nodes.Helper):
            return False
    return True


def _environment() -> Any:
    """Jinja as transformers sets it up for chat templates, with one difference: today is always the same day, or
    a row would have another prompt tomorrow than the one it was trained with."""
    import datetime

    import jinja2
    from jinja2.ext import Extension, loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        """`{% generation %}` marks the assistant's words for libraries that ask for a mask."""

        tags = {"generation"}

        def parse(self, parser: Any) -> Any:
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return jinja2.nodes.CallBlock(self.call_method("_write"), [], [], body).set_lineno(line)

        def _write(self, caller: Any) -> str:
            return caller()

    def refuse(message: str) -> None:
        raise jinja2.TemplateError(message)

    def to_json(value: Any, ensure_ascii=False, indent=None, separators=None, sort_keys=False) -> str:
        return json.dumps(
            value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
        )

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
    )
    environment.filters["tojson"] = to_json
    environment.globals |= {
        "raise_exception": refuse,
        "strftime_now": datetime.date(2024, 7, 26).strftime,
    }
    return environment


def _render(work: dict[str, Any]) -> dict[str, Any]:
    """{"texts": [(text, None) or (None, the template's refusal)]} or {"broken": why nothing can be rendered}."""
    import jinja2

    try:
        template = _environment().from_string(work["template"])
    except (jinja2.TemplateError, RecursionError) as error:
        return {"broken": f"cannot be read: {_first_line(error)}"}
    texts = []
    for messages, generation in work["chats"]:
        given = {"messages": messages, "add_generation_prompt": generation, "tools": None, "documents": None}
        try:
            text = template.render(**given, **work["special_tokens"])
        except MemoryError:
            return {"broken": _too_much("memory")}
        except (
            jinja2.TemplateError,
            ArithmeticError,
            LookupError,
            TypeError,
            ValueError,
            RecursionError,
        ) as error:
            texts.append((None, _first_line(error)))
            continue
        if len(text) > MOST_LETTERS:
            return {"broken": _too_much("letters")}
        texts.append((text, None))
    return {"texts": texts}


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def _too_much(what: str) -> str:
    limits = {
        "memory": f"needs more than {MOST_BYTES // 2**20} MiB of memory",
        "letters": f"writes more than {MOST_LETTERS:,} letters",
        "time": f"needs more than {MOST_SECONDS} seconds",
    }
    return f"{limits[what]} for a few short messages: it may be made to do harm"


def _render_apart(work: dict[str, Any], name: str) -> dict[str, Any]:
    """Render in a process of its own; what it costs there is bounded, and nothing here is touched."""
    command = [sys.executable, "-c", "from tailor.models.template_rendering import serve; serve()"]
    try:
        done = subprocess.run(
            command,
            input=json.dumps(work),
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=MOST_SECONDS * 10,
        )
    except subprocess.TimeoutExpired:
        return {"broken": _too_much("time")}
    if done.returncode == 0:
        return json.loads(done.stdout)
    killed_by_time = done.returncode in (-24, -9)  # SIGXCPU, and SIGKILL where that is ignored
    return {"broken": _too_much("time" if killed_by_time else "memory")}


def serve() -> None:
    """The other process: limits first, then read the work, render, write the texts."""
    import jinja2  # noqa: F401  (loaded before memory is bounded)

    work = json.load(sys.stdin)
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    except (ImportError, ValueError, OSError):
        pass  # a system without such limits still has the time limit of the process that waits
    json.dump(_render(work), sys.stdout)
