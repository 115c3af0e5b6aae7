"""Messages as ids: equal to the template for harmless text, and never a control token from what a person wrote."""

import time
from pathlib import Path

import pytest

from tailor.errors import WorkbenchError
from tailor.models import load_tokenizer
from tailor.models.chat import PLAIN_CHAT_TEMPLATE, encode_chat, turn_end

CHAT = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "  What is a fox?\n"},
    {"role": "assistant", "content": "An animal.\n "},
    {"role": "user", "content": "And 12,5?"},
    {"role": "assistant", "content": ""},
]
GPT2 = Path(__file__).resolve().parents[3] / "shared" / "models" / "gpt2_tokenizer"


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer("tailor-mini")


@pytest.mark.parametrize("generation", [False, True])
@pytest.mark.parametrize("length", range(1, len(CHAT) + 1))
def test_harmless_chats_equal_the_template(tokenizer, length, generation):
    encoded = encode_chat(tokenizer, CHAT[:length], add_generation_prompt=generation)
    wanted = tokenizer.apply_chat_template(
        CHAT[:length], add_generation_prompt=generation, return_dict=True, return_assistant_tokens_mask=True
    )
    assert encoded.input_ids == wanted["input_ids"]
    assert encoded.learned == [bool(each) for each in wanted["assistant_masks"]]


def test_an_empty_answer_still_learns_to_stop(tokenizer):
    encoded = encode_chat(tokenizer, CHAT)
    assert (encoded.input_ids[-1], encoded.learned[-1]) == (tokenizer.convert_tokens_to_ids("<|end|>"), True)


@pytest.mark.parametrize("role", ["system", "user", "assistant"])
def test_control_tokens_in_a_content_stay_text(tokenizer, role):
    spelled = "".join(tokenizer.all_special_tokens)
    encoded = encode_chat(tokenizer, [{"role": role, "content": spelled}])
    control = set(tokenizer.all_special_ids)
    assert sum(token in control for token in encoded.input_ids) == 2  # the role's mark and the turn's end
    assert tokenizer.decode(encoded.input_ids[1:-1]) == spelled


def test_text_that_was_split_before_leaves_the_templates_control_tokens_whole():
    """As `bits_per_character` reads its passages: no control token in them, and all of them in the next chat."""
    wanted = encode_chat(load_tokenizer("tailor-mini"), CHAT[1:2], add_generation_prompt=True)
    fresh = load_tokenizer("tailor-mini")
    fresh("a text with <|user|> in it", split_special_tokens=True)
    assert encode_chat(fresh, CHAT[1:2], add_generation_prompt=True) == wanted
    assert sum(token in fresh.all_special_ids for token in wanted.input_ids) == 3


def test_a_mark_in_a_content_is_text_too(tokenizer):
    odd = "\ue000\ue0010\ue001\ue000 and \ue000\ue0011\ue001\ue000"
    encoded = encode_chat(
        tokenizer, [{"role": "user", "content": odd}, {"role": "assistant", "content": odd}]
    )
    assert tokenizer.decode(encoded.input_ids, skip_special_tokens=True) == odd + odd


def test_the_prompt_is_the_beginning_of_the_whole(tokenizer):
    prompt = encode_chat(tokenizer, CHAT[:2], add_generation_prompt=True)
    whole = encode_chat(tokenizer, CHAT[:3])
    assert whole.input_ids[: len(prompt)] == prompt.input_ids
    assert not any(whole.learned[: len(prompt)])
    assert all(whole.learned[len(prompt) :])


def test_generation_stops_at_the_end_of_a_turn_or_text(tokenizer):
    assert [tokenizer.decode(i) for i in turn_end(tokenizer)] == ["<|end|>", "<|endoftext|>"]


@pytest.mark.skipif(not GPT2.is_dir(), reason="needs shared/models/gpt2_tokenizer beside the checkout")
def test_a_tokenizer_without_template_gets_the_plain_one():
    from transformers import AutoTokenizer

    gpt2 = AutoTokenizer.from_pretrained(GPT2)
    encoded = encode_chat(gpt2, CHAT, add_generation_prompt=True)
    wanted = gpt2.apply_chat_template(
        CHAT,
        chat_template=PLAIN_CHAT_TEMPLATE,
        add_generation_prompt=True,
        return_dict=True,
        return_assistant_tokens_mask=True,
    )
    assert encoded.input_ids == wanted["input_ids"]
    assert gpt2.decode(encoded.input_ids).endswith("And 12,5?\nAssistant: <|endoftext|>\nAssistant:")


def test_ten_thousand_short_chats_take_seconds(tokenizer):
    encode_chat(tokenizer, CHAT)
    begun = time.process_time()
    for _ in range(500):
        encode_chat(tokenizer, CHAT)
    assert time.process_time() - begun < 1.5


def test_an_unknown_role(tokenizer):
    with pytest.raises(WorkbenchError) as caught:
        encode_chat(tokenizer, [{"role": "usr", "content": "hello"}])
    assert str(caught.value) == (
        "Found: message 1 has the role 'usr'. Did you mean 'user'?\n"
        "Needed: one of the roles 'system', 'user', 'assistant' in every message.\n"
        "Do: Change the role of message 1."
    )


def test_a_content_that_is_no_text(tokenizer):
    with pytest.raises(WorkbenchError) as caught:
        encode_chat(tokenizer, [{"role": "user", "content": None}])
    assert str(caught.value) == (
        "Found: message 1 (user) has NoneType as content.\nNeeded: text.\nDo: Give message 1 a text as its content."
    )
