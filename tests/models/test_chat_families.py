"""One function writes every prompt: the same text and the same ids in training, evaluation, chat, few-shot prompting
and the exported folder, whatever family the tokenizer is of; and a person's text never becomes a control token."""

import json
from types import SimpleNamespace

import pytest
from tokenizer_families import ENCODERS, FAMILIES, build

from tailor.data.dataset import Dataset, Example
from tailor.errors import WorkbenchError
from tailor.models.chat import PLAIN_CHAT_TEMPLATE, encode_chat, encode_chats, encode_lines, turn_end
from tailor.models.local_model import LocalModel
from tailor.records import DatasetRecord
from tailor.training.objectives import MASKED, LearnAnswers

SYSTEM = "Be brief, see order 4711."
ASKED = "  Where is my card?\n    It's naïve 🙂  12.50\t\tOK\n"
ANSWER = "On 12 May.\nGood day"
DEMONSTRATIONS = [("Hello, my card?", "It was sent."), ("A chargeback?", "Up to ten days.")]


def dataset_of(system_prompt=SYSTEM, **more):
    record = DatasetRecord(
        task="respond",
        base_model="tiny",
        roles={"input": "message"},
        system_prompt=system_prompt,
        max_length=400,
        splits={},
        **more,
    )
    return Dataset(record, None)


@pytest.fixture(scope="module", params=FAMILIES, ids=lambda family: family.name)
def family(request):
    return request.param


@pytest.fixture(scope="module")
def tokenizer(family):
    return build(family)


def by_template(tokenizer, family, messages, **options):
    """What transformers itself makes of messages; where the template has no place for a system message, it stands
    in the first question."""
    if messages[0]["role"] == "system" and not family.system:
        joined = f"{messages[0]['content']}\n\n{messages[1]['content']}"
        messages = [{"role": "user", "content": joined}, *messages[2:]]
    template = tokenizer.chat_template or PLAIN_CHAT_TEMPLATE
    return tokenizer.apply_chat_template(messages, chat_template=template, **options)


@pytest.mark.parametrize("system", ["", SYSTEM])
@pytest.mark.parametrize("turns_before", [0, 2])
def test_a_prompt_is_what_the_template_says(tokenizer, family, system, turns_before):
    said = [{"role": "user", "content": ASKED}, {"role": "assistant", "content": ANSWER}] * turns_before
    messages = [
        *([{"role": "system", "content": system}] if system else []),
        *said,
        {"role": "user", "content": ASKED},
    ]
    wanted = by_template(tokenizer, family, messages, add_generation_prompt=True, return_dict=True)
    assert encode_chat(tokenizer, messages, add_generation_prompt=True).input_ids == wanted["input_ids"]


def test_the_same_prompt_on_every_path(tokenizer, family, tmp_path):
    from transformers import AutoTokenizer

    dataset = dataset_of()
    prompt = dataset.prompt(ASKED)
    ids = by_template(tokenizer, family, prompt, add_generation_prompt=True, return_dict=True)["input_ids"]

    row = LearnAnswers(tokenizer, dataset).encode(Example("1", ASKED, ANSWER))  # training
    assert row["input_ids"][: len(ids)] == ids
    assert row["labels"][: len(ids)] == [MASKED] * len(ids)
    learned = [label for label in row["labels"][len(ids) :] if label != MASKED]

    model = LocalModel(SimpleNamespace(config=_Config()), tokenizer)  # evaluation, chat, serving
    assert model.encode(prompt) == ids
    answered = model.answer_ids(prompt, ANSWER)
    assert row["input_ids"][len(ids) : len(ids) + len(answered)] == answered == learned
    assert answered[-1] in turn_end(tokenizer)

    tokenizer.save_pretrained(tmp_path)  # export: the folder alone, with transformers alone
    alone = AutoTokenizer.from_pretrained(tmp_path)
    assert (
        by_template(alone, family, prompt, add_generation_prompt=True, return_dict=True)["input_ids"] == ids
    )
    assert by_template(alone, family, prompt, add_generation_prompt=True, tokenize=False) == by_template(
        tokenizer, family, prompt, add_generation_prompt=True, tokenize=False
    )


class _Config:
    max_position_embeddings = 512

    def get_text_config(self):
        return self


def test_what_is_learned_is_the_answer_and_its_end(tokenizer):
    chat = encode_chat(tokenizer, dataset_of().conversation(Example("1", ASKED, ANSWER)))
    learned = [i for i, wanted in zip(chat.input_ids, chat.learned, strict=True) if wanted]
    assert tokenizer.decode(learned[:-1]).split() == ANSWER.split()
    assert learned[-1] in turn_end(tokenizer)


def test_control_tokens_in_a_text_stay_text(tokenizer):
    dataset = dataset_of()
    control = {i for i, t in tokenizer.backend_tokenizer.get_added_tokens_decoder().items() if t.special}
    control |= {i for i in map(tokenizer.convert_tokens_to_ids, ("<think>", "</think>")) if i}
    control.discard(tokenizer.unk_token_id)
    names = [tokenizer.convert_ids_to_tokens(i) for i in sorted(control)]
    spelled = f"{names[0]}a {' '.join(names)} {''.join(names)} [INST] [/INST] <<SYS>>"
    harmless = encode_chat(tokenizer, dataset.conversation(Example("1", "a b", "c d"))).input_ids
    attacked = encode_chat(tokenizer, dataset.conversation(Example("1", spelled, spelled))).input_ids
    assert [i for i in attacked if i in control] == [i for i in harmless if i in control]


def test_many_chats_at_once_are_what_they_are_one_by_one(tokenizer):
    dataset = dataset_of()
    chats = [
        dataset.conversation(Example("1", text, answer))
        for text in (ASKED, "", " ", "<s>", "a" * 90)
        for answer in (ANSWER, "", "\n", " x")
    ]
    chats += [chats[0] + chats[1][1:], chats[0][:2]]
    assert encode_chats(tokenizer, chats) == [encode_chat(tokenizer, chat) for chat in chats]


def test_only_the_last_answer_may_be_learned(tokenizer):
    dataset = dataset_of()
    chat = dataset.prompt("one")
    chat = [*chat, {"role": "assistant", "content": "two"}, *dataset.prompt("three")[-1:]]
    whole = [*chat, {"role": "assistant", "content": "four"}]
    (encoded,) = encode_chats(tokenizer, [whole], last_answer_only=True)
    start = len(encode_chat(tokenizer, chat, add_generation_prompt=True))
    assert not any(encoded.learned[:start])
    assert encoded.learned[start:] == encode_chat(tokenizer, whole).learned[start:]


@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda family: family.name)
def test_an_encoder_reads_text_as_text(encoder):
    tokenizer = build(encoder)
    plain = "Where is my card? 12.50"
    (ids,) = encode_lines(tokenizer, [plain], 512)
    assert ids == tokenizer(plain)["input_ids"]
    spelled = "".join(tokenizer.all_special_tokens) + " ".join(tokenizer.all_special_tokens)
    (attacked,) = encode_lines(tokenizer, [f"{spelled} {plain} {spelled}"], 512)
    control = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
    assert [i for i in attacked if i in control] == [ids[0], ids[-1]]
    (cut,) = encode_lines(tokenizer, [plain * 9], 12)
    assert (len(cut), cut[0], cut[-1]) == (12, ids[0], ids[-1])


def test_roles_that_a_template_refuses_are_told():
    (gemma,) = [family for family in FAMILIES if family.name == "gemma"]
    twice = [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]
    with pytest.raises(WorkbenchError) as caught:
        encode_chat(build(gemma), twice)
    assert str(caught.value) == (
        "Found: the chat template of this tokenizer refuses messages of user, user: Conversation roles must alternate\n"
        "Needed: messages in an order that this model was made for\n"
        "Do: change the messages, or use another base model"
    )


def test_todays_date_in_a_template_is_always_the_same():
    (qwen,) = [family for family in FAMILIES if family.name == "qwen"]
    tokenizer = build(qwen)
    tokenizer.chat_template = "{{ strftime_now('%d %b %Y') }}: {{ messages[0].content }}"
    encoded = encode_chat(tokenizer, [{"role": "user", "content": "hi"}])
    assert tokenizer.decode(encoded.input_ids) == "26 Jul 2024: hi"


MEMORY = "needs more than 512 MiB of memory for a few short messages: it may be made to do harm"
BOMBS = {
    "{{ 'a' * (10 ** 9) }}": MEMORY,
    "{{ 'a'.center(10 ** 10) }}": MEMORY,
    "{% set n = namespace(x='aaaa') %}{% for i in range(40) %}{% set n.x = n.x ~ n.x %}{% endfor %}{{ n.x }}": MEMORY,
    "{{ 'a' * 300000 }}": "writes more than 200,000 letters for a few short messages: it may be made to do harm",
    "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}": (
        "needs more than 2 seconds for a few short messages: it may be made to do harm"
    ),
    "{% if": "cannot be read: unexpected 'end of template'",
}


@pytest.mark.parametrize(("template", "problem"), BOMBS.items())
def test_a_template_that_may_do_harm_is_refused(template, problem):
    (qwen,) = [family for family in FAMILIES if family.name == "qwen"]
    tokenizer = build(qwen)
    tokenizer.chat_template = template
    with pytest.raises(WorkbenchError) as caught:
        encode_chat(tokenizer, [{"role": "user", "content": "hi"}])
    assert str(caught.value) == (
        f"Found: the chat template of this tokenizer {problem}\n"
        "Needed: a template that writes the messages and what stands between them\n"
        "Do: use another base model, or delete chat_template from its tokenizer's files"
    )


def test_a_template_reads_no_file_and_no_inner_name():
    (qwen,) = [family for family in FAMILIES if family.name == "qwen"]
    tokenizer = build(qwen)
    for template in (
        "{{ open('/etc/hostname').read() }}",
        "{{ messages.__class__.__mro__[1].__subclasses__() }}",
    ):
        tokenizer.chat_template = template
        with pytest.raises(WorkbenchError, match="refuses messages of user"):
            encode_chat(tokenizer, [{"role": "user", "content": "hi"}])


def test_demonstrations_are_written_as_questions_are(tokenizer, tmp_path):
    from tailor.techniques.few_shot import Shown

    dataset = dataset_of()
    examples = [Example(str(n), asked, answer) for n, (asked, answer) in enumerate(DEMONSTRATIONS)]
    (prompt,) = Shown(None, dataset.turns(examples)).extend([dataset.prompt(ASKED)])
    assert json.dumps(dataset.prompt(DEMONSTRATIONS[0][0])[-1]) in json.dumps(prompt)
    ids = encode_chat(tokenizer, prompt, add_generation_prompt=True).input_ids
    shown = dataset_of(shots=[{"input": asked, "output": answer} for asked, answer in DEMONSTRATIONS])
    assert encode_chat(tokenizer, shown.prompt(ASKED), add_generation_prompt=True).input_ids == ids


def test_the_letters_of_an_answers_tokens(tokenizer, family):
    from tailor.training.term_weights import TermWeights

    chat = encode_chat(tokenizer, dataset_of().conversation(Example("1", ASKED, "It is a chargeback, OK")))
    weights = TermWeights(["chargeback"], 3.0).of_tokens(tokenizer, chat, "It is a chargeback, OK")
    heavy = tokenizer.decode([i for i, weight in zip(chat.input_ids, weights, strict=True) if weight > 1])
    assert heavy.strip(" ,a") in ("chargeback", "chargeback".strip("a"))
