"""A base model of a few thousand random weights with a byte-level tokenizer: loads in milliseconds."""

from pathlib import Path

TEMPLATE = (
    "{%- for message in messages -%}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>{%- endfor -%}"
    "{%- if add_generation_prompt -%}<|assistant|>{%- endif -%}"
)


def write_tiny_tokenizer(folder: Path):
    """Write a byte-level tokenizer without merges, with a chat template; returns it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: i for i, letter in enumerate(letters)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|end|>",
        pad_token="<|pad|>",
        additional_special_tokens=["<|system|>", "<|user|>", "<|assistant|>"],
    )
    fast.chat_template = TEMPLATE
    fast.save_pretrained(folder)
    return fast


def write_tiny_model(folder: Path, seed: int = 0) -> Path:
    """Write a random Llama (2 layers of width 32) and its tokenizer; returns the folder."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    fast = write_tiny_tokenizer(folder)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(fast),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=512,
        initializer_range=0.3,
        eos_token_id=fast.eos_token_id,
        pad_token_id=fast.pad_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def write_tiny_encoder(folder: Path, seed: int = 0) -> Path:
    """Write a random BERT (2 layers of width 32) and its tokenizer; returns the folder."""
    import torch
    from transformers import BertConfig, BertForMaskedLM

    fast = write_tiny_tokenizer(folder)
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(fast),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=512,
        initializer_range=0.3,
        pad_token_id=fast.pad_token_id,
    )
    BertForMaskedLM(config).save_pretrained(folder)
    return folder


def write_adapter(base: Path, folder: Path, seed: int = 1) -> None:
    """A LoRA adapter of the tiny model whose matrices are random, so that it changes every answer."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    model = get_peft_model(
        AutoModelForCausalLM.from_pretrained(base),
        LoraConfig(r=4, target_modules=["q_proj", "v_proj", "up_proj"]),
    )
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.3)
    model.peft_config["default"].base_model_name_or_path = base.name  # as Tailor's techniques name it
    model.save_pretrained(folder)
