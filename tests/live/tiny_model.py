"""A language model small enough for any CPU, made from nothing: its configuration and tokenizer; weights are random."""

import json
from itertools import islice, product
from pathlib import Path
from string import ascii_lowercase
from typing import Any

VOCABULARY = 1024
"""More than the token ids that ``wva load`` sends."""
LONGEST = 4096
"""Tokens of a sequence, prompt and answer."""
_SPECIAL = ("<s>", "</s>")


def write_tiny_model(directory: Path) -> Path:
    """Make the directory of a checkpoint without weights: ``vllm serve --load-format dummy`` draws them."""
    directory.mkdir()
    for name, content in (
        ("config.json", _config()),
        ("tokenizer.json", _tokenizer()),
        ("tokenizer_config.json", _tokenizer_config()),
    ):
        (directory / name).write_text(json.dumps(content))
    return directory


def _config() -> dict[str, Any]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "dtype": "bfloat16",
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "head_dim": 32,
        "hidden_act": "silu",
        "vocab_size": VOCABULARY,
        "max_position_embeddings": LONGEST,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "tie_word_embeddings": False,
        "bos_token_id": 0,
        "eos_token_id": 1,
    }


def _tokenizer() -> dict[str, Any]:
    """Every byte of a text is a token; the rest of the vocabulary are pairs of letters, which only answers have."""
    pairs = (before + first + second for before, first, second in product(("", "Ġ"), ascii_lowercase, ascii_lowercase))
    tokens = [*_SPECIAL, *_letters_of_bytes()]
    tokens += islice(pairs, VOCABULARY - len(tokens))
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {
        "version": "1.0",
        "added_tokens": [
            {"id": number, "content": token, "special": True, "normalized": False}
            | dict.fromkeys(("single_word", "lstrip", "rstrip"), False)
            for number, token in enumerate(_SPECIAL)
        ],
        "pre_tokenizer": byte_level,
        "decoder": byte_level,
        "model": {"type": "BPE", "vocab": {token: number for number, token in enumerate(tokens)}, "merges": []},
    }


def _letters_of_bytes() -> list[str]:
    """What byte-level tokenizers write for each byte: itself where it can be seen, else a letter beyond them all."""
    seen = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
    unseen = iter(range(256, 512))
    return [chr(byte if byte in seen else next(unseen)) for byte in range(256)]


def _tokenizer_config() -> dict[str, Any]:
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": _SPECIAL[0],
        "eos_token": _SPECIAL[1],
        "model_max_length": LONGEST,
        "chat_template": "{% for message in messages %}{{ message.content }}{% endfor %}",
    }
