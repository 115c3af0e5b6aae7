"""Tokenizers of a dozen families, each trained here on a few lines: the kinds of vocabulary and the shapes of chat
templates that are in use, in small."""

from dataclasses import dataclass

from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import PreTrainedTokenizerFast

CORPUS = [
    "Where is my card? It was sent on 12 May, order 4711-A.",
    "A chargeback takes 12.50 euro and up to ten days; see https://example.org/help",
    "User: hello\nAssistant: Good morning, how can I help you today?",
    "Be brief and kind. You answer customers of a bank.",
    "def add(a, b):\n    return a + b\n\n\treturn None",
    "On 12 May. Good day, 🙂 it is OK",
    "Ünïcode, naïve café, 東京, and emoji 🙂 stay what they are.",
] * 8
SIZE = 420

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
CHATML_THINKING = (
    "{% for message in messages %}{{ '<|im_start|>' + message.role + '\n' }}"
    "{% if message.role == 'assistant' and loop.last %}{{ '<think>\n\n</think>\n\n' }}{% endif %}"
    "{{ message.content + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
LLAMA2 = (
    "{% if messages[0]['role'] == 'system' %}{% set rest = messages[1:] %}{% set system = messages[0]['content'] %}"
    "{% else %}{% set rest = messages %}{% set system = false %}{% endif %}"
    "{% for message in rest %}{% if loop.index0 == 0 and system %}"
    "{% set content = '<<SYS>>\n' + system + '\n<</SYS>>\n\n' + message['content'] %}"
    "{% else %}{% set content = message['content'] %}{% endif %}"
    "{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}"
    "{% else %}{{ ' ' + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}"
)
LLAMA3 = (
    "{{ bos_token }}{% for message in messages %}"
    "{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + message['content'] | trim + '<|eot_id|>' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
GEMMA = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate') }}{% endif %}"
    "{% set role = 'model' if message['role'] == 'assistant' else message['role'] %}"
    "{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
MISTRAL = (
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}"
    "{{ '[INST] ' + message['content'] + ' [/INST]' }}"
    "{% elif message['role'] == 'assistant' %}{{ ' ' + message['content'] + eos_token }}"
    "{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}"
)
MISTRAL_LAST = (  # the system message stands before the last question
    "{% if messages[0]['role'] == 'system' %}{% set system = messages[0]['content'] %}{% set rest = messages[1:] %}"
    "{% else %}{% set rest = messages %}{% endif %}{{ bos_token }}{% for message in rest %}"
    "{% if message['role'] == 'user' %}{% if loop.index0 >= rest | length - 2 and system is defined %}"
    "{{ '[INST]' + system + '\n\n' + message['content'] + '[/INST]' }}"
    "{% else %}{{ '[INST]' + message['content'] + '[/INST]' }}{% endif %}"
    "{% else %}{{ message['content'] + eos_token }}{% endif %}{% endfor %}"
)
PHI = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>\n' + message['content'] + '<|end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
)
NEOX = (
    "{% for message in messages %}"
    "{{ '<|' + ('prompter' if message.role == 'user' else message.role) + '|>' + message.content + eos_token }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
BLOOM = "{% for message in messages %}{{ message.content }}{{ eos_token }}{% endfor %}"
FALCON = (
    "{% for message in messages %}{% if not loop.first %}{{ '\n' }}{% endif %}"
    "{% if message['role'] == 'system' %}{{ message['content'] }}"
    "{% elif message['role'] == 'user' %}{{ 'User: ' + message['content'] }}"
    "{% else %}{{ 'Falcon: ' + message['content'] + eos_token }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '\nFalcon:' }}{% endif %}"
)


@dataclass(frozen=True)
class Family:
    """One kind of tokenizer. `system`: its template has a place for a system message."""

    name: str
    kind: str
    special: dict[str, str]
    template: str | None
    control: tuple[str, ...] = ()
    system: bool = True
    greedy: bool = False
    plain_added: tuple[str, ...] = ()


EOS = {"eos_token": "<|endoftext|>"}
SENTENCE = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
FAMILIES = [
    Family("gpt2", "bytes", EOS, None),
    Family("llama2", "prepended", SENTENCE, LLAMA2),
    Family(
        "llama3",
        "bytes by rule",
        {"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>"},
        LLAMA3,
        ("<|start_header_id|>", "<|end_header_id|>"),
    ),
    Family("qwen", "bytes", EOS, CHATML, ("<|im_start|>", "<|im_end|>")),
    Family(
        "qwen_thinking",
        "bytes",
        EOS,
        CHATML_THINKING,
        ("<|im_start|>", "<|im_end|>"),
        plain_added=("<think>", "</think>"),
    ),
    Family(
        "gemma",
        "underscored",
        {"bos_token": "<bos>", "eos_token": "<eos>", "unk_token": "<unk>"},
        GEMMA,
        ("<start_of_turn>", "<end_of_turn>"),
        system=False,
        plain_added=("\n\n", "    "),
    ),
    Family("mistral", "first", SENTENCE, MISTRAL, system=False),
    Family("mistral_v3", "first", SENTENCE, MISTRAL_LAST, ("[INST]", "[/INST]")),
    Family(
        "phi", "prepended", SENTENCE, PHI, ("<|system|>", "<|user|>", "<|assistant|>", "<|end|>"), greedy=True
    ),
    Family(
        "gpt_neox",
        "bytes",
        EOS,
        NEOX,
        ("<|system|>", "<|prompter|>", "<|assistant|>"),
        plain_added=("  ", "    ", "\t\t"),
    ),
    Family("bloom", "bytes", {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}, BLOOM),
    Family("falcon", "bytes", EOS, FALCON),
    Family("t5", "unigram", {"eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}, None),
]
ENCODERS = [
    Family(
        "bert",
        "wordpiece",
        {
            "cls_token": "[CLS]",
            "sep_token": "[SEP]",
            "unk_token": "[UNK]",
            "pad_token": "[PAD]",
            "mask_token": "[MASK]",
        },
        None,
    ),
    Family(
        "xlm_roberta",
        "unigram",
        {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"},
        None,
    ),
]


def build(family: Family) -> PreTrainedTokenizerFast:
    """Train the family's vocabulary on `CORPUS`, and give it its control tokens and chat template."""
    special = list(family.special.values())
    backend = _TRAINED[family.kind](special)
    plain = [AddedToken(text, special=False, normalized=False) for text in family.plain_added]
    backend.add_tokens(plain)
    backend.add_special_tokens(
        [AddedToken(text, special=True, normalized=False, rstrip=family.greedy) for text in family.control]
    )
    if "cls_token" in family.special or family.name == "xlm_roberta":
        first, last = special[:2]
        pair = [(text, backend.token_to_id(text)) for text in (first, last)]
        backend.post_processor = processors.TemplateProcessing(
            single=f"{first} $A {last}", special_tokens=pair
        )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, model_max_length=512, **family.special)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    tokenizer.chat_template = family.template
    return tokenizer


def _bytes(special: list[str]) -> Tokenizer:
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    return _train_bytes(backend, special)


def _bytes_by_rule(special: list[str]) -> Tokenizer:
    """Split by a rule that keeps digits apart, whole words looked up before merges (as tiktoken does)."""
    backend = Tokenizer(models.BPE(ignore_merges=True))
    rule = r"\p{N}{1,3}|[^\r\n\p{L}\p{N}]?\p{L}+| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(rule), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    backend.decoder = decoders.ByteLevel()
    return _train_bytes(backend, special)


def _train_bytes(backend: Tokenizer, special: list[str]) -> Tokenizer:
    trainer = trainers.BpeTrainer(
        vocab_size=SIZE,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(CORPUS, trainer)
    return backend


def _sentencepiece(normalizer, pre_tokenizer, special: list[str]) -> Tokenizer:
    """BPE over letters with U+2581 for a blank; what it does not know falls back to bytes."""
    backend = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    if normalizer:
        backend.normalizer = normalizer
    if pre_tokenizer:
        backend.pre_tokenizer = pre_tokenizer
    backend.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    spelled = [f"<0x{number:02X}>" for number in range(256)]
    trainer = trainers.BpeTrainer(
        vocab_size=SIZE + 256, special_tokens=[*special, *spelled], show_progress=False
    )
    backend.train_from_iterator([line.replace("\n", " ") for line in CORPUS[:5]], trainer)
    model = models.BPE(*_vocabulary(backend), unk_token="<unk>", byte_fallback=True, fuse_unk=True)
    kept = Tokenizer(model)  # the bytes are part of the vocabulary, not control tokens
    kept.normalizer, kept.pre_tokenizer, kept.decoder = normalizer, pre_tokenizer, backend.decoder
    kept.add_special_tokens(special)
    return kept


def _vocabulary(backend: Tokenizer) -> tuple[dict[str, int], list[tuple[str, str]]]:
    import json

    model = json.loads(backend.to_str())["model"]
    return model["vocab"], [tuple(pair) for pair in model["merges"]]


def _prepended(special: list[str]) -> Tokenizer:
    both = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    return _sentencepiece(both, None, special)


def _underscored(special: list[str]) -> Tokenizer:
    return _sentencepiece(
        normalizers.Replace(" ", "▁"), pre_tokenizers.Split(" ", "merged_with_previous"), special
    )


def _first(special: list[str]) -> Tokenizer:
    return _sentencepiece(None, pre_tokenizers.Metaspace(prepend_scheme="first", split=False), special)


def _unigram(special: list[str]) -> Tokenizer:
    backend = Tokenizer(models.Unigram())
    backend.normalizer = normalizers.NFKC()
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=SIZE, special_tokens=special, unk_token="<unk>", show_progress=False
    )
    backend.train_from_iterator(CORPUS, trainer)
    return backend


def _wordpiece(special: list[str]) -> Tokenizer:
    backend = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer()
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece()
    backend.train_from_iterator(
        CORPUS, trainers.WordPieceTrainer(vocab_size=SIZE, special_tokens=special, show_progress=False)
    )
    return backend


_TRAINED = {
    "bytes": _bytes,
    "bytes by rule": _bytes_by_rule,
    "prepended": _prepended,
    "underscored": _underscored,
    "first": _first,
    "unigram": _unigram,
    "wordpiece": _wordpiece,
}
