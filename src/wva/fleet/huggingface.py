"""A model shape from the ``config.json`` that a Hugging Face checkpoint comes with."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wva.fleet.errors import UserError
from wva.fleet.shape import ModelShape

_FAMILIES = ("llama", "mistral", "mixtral", "qwen2", "qwen3", "qwen3_moe", "gpt_oss", "minimax_m2")
"""Values of ``model_type`` whose keys are known to mean what this module takes them for."""

_NOT_COVERED = {
    "kv_lora_rank": "multi-head latent attention",
    "n_shared_experts": "shared experts",
    "shared_expert_intermediate_size": "shared experts",
    "first_k_dense_replace": "dense layers among layers of experts",
    "mlp_only_layers": "dense layers among layers of experts",
}
"""Keys that, when set, tell of parts that a ``ModelShape`` cannot express."""


def read_config(name: str, path: Path) -> ModelShape:
    """The shape that a ``config.json`` describes, under the name that the catalogue is to have it by.

    A configuration of several modalities is read for its language model (``text_config``). Raises ``UserError`` when
    the file cannot be read, a key is missing or of the wrong type, or the architecture is not covered.
    """
    config = _load(path)
    nested = config.get("text_config")
    text = _Config(nested if isinstance(nested, dict) else config, path)
    text.refuse_uncovered()
    heads = text.integer("num_attention_heads")
    hidden = text.integer("hidden_size")
    experts = text.integer("num_local_experts", "num_experts", absent=0)
    layers = text.integer("num_hidden_layers")
    window, window_layers = _window(text, layers)
    return ModelShape(
        name=name,
        layers=layers,
        hidden_size=hidden,
        attention_heads=heads,
        kv_heads=text.integer("num_key_value_heads", absent=heads),
        head_size=text.integer("head_dim", absent=hidden // heads),
        intermediate_size=_intermediate_size(text, experts),
        vocabulary=text.integer("vocab_size"),
        tied_embeddings=text.flag("tie_word_embeddings", absent=bool(config.get("tie_word_embeddings", False))),
        max_model_len=text.integer("max_position_embeddings"),
        experts=experts,
        experts_per_token=text.integer("num_experts_per_tok", "experts_per_token") if experts else 0,
        window_layers=window_layers,
        window=window,
        source=f"{path.name} given by the user",
        quantized_attention=text.family != "gpt_oss",
    )


class _Config:
    """Typed access to a configuration, with errors that name the key and the file."""

    def __init__(self, values: Mapping[str, Any], path: Path):
        self._values = values
        self._path = path
        family = values.get("model_type")
        if not isinstance(family, str):
            raise UserError(f"{path}: key 'model_type' is missing")
        self.family = family

    def integer(self, *keys: str, absent: int | None = None) -> int:
        """The first of the keys that is set, as a positive integer; ``absent`` when none is."""
        for key in keys:
            value = self._values.get(key)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise UserError(f"{self._path}: key {key!r} must be a positive integer, not {value!r}")
            return value
        if absent is None:
            raise UserError(f"{self._path}: key {' or '.join(map(repr, keys))} is missing")
        return absent

    def flag(self, key: str, absent: bool) -> bool:
        """A key that is true or false."""
        value = self._values.get(key, absent)
        if not isinstance(value, bool):
            raise UserError(f"{self._path}: key {key!r} must be true or false, not {value!r}")
        return value

    def list(self, key: str) -> list[Any]:
        """A key that holds a list; empty when it is not set."""
        value = self._values.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise UserError(f"{self._path}: key {key!r} must be a list, not {value!r}")
        return value

    def refuse_uncovered(self) -> None:
        """Raise for architectures that would be read wrongly."""
        for key, part in _NOT_COVERED.items():
            if self._values.get(key):
                raise UserError(f"{self._path}: key {key!r} tells of {part}, which the engine model does not cover")
        if self.integer("decoder_sparse_step", absent=1) > 1:
            raise UserError(
                f"{self._path}: key 'decoder_sparse_step' tells of dense layers among layers of experts, "
                "which the engine model does not cover"
            )
        if self.family not in _FAMILIES:
            known = ", ".join(_FAMILIES)
            raise UserError(f"{self._path}: model_type {self.family!r} is not covered; covered: {known}")


def _intermediate_size(text: _Config, experts: int) -> int:
    if experts and text.family == "qwen3_moe":
        return text.integer("moe_intermediate_size")
    return text.integer("intermediate_size")


def _window(text: _Config, layers: int) -> tuple[int, int]:
    """The sliding window and the layers that have it.

    Where ``layer_types`` lists the layers, it decides; older configurations have a window in every layer, and Qwen
    switches its own off with ``use_sliding_window``.
    """
    window = text.integer("sliding_window", absent=0)
    if not window or not text.flag("use_sliding_window", absent=True):
        return 0, 0
    types = text.list("layer_types")
    window_layers = types.count("sliding_attention") if types else layers
    return (window, window_layers) if window_layers else (0, 0)


def _load(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read: {error}") from error
    except json.JSONDecodeError as error:
        raise UserError(f"{path}: not JSON: {error}") from error
    if not isinstance(config, dict):
        raise UserError(f"{path}: not a JSON object; give a checkpoint's config.json")
    return config
