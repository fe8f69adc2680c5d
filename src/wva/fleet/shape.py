"""The shape of a transformer: what its step time and memory depend on, without its weights."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ModelShape:
    """Architecture of a decoder-only model, as its published ``config.json`` states it."""

    name: str
    """Catalogue name, usually the Hugging Face model id."""
    layers: int
    hidden_size: int
    attention_heads: int
    kv_heads: int
    """Heads of keys and values (grouped-query attention)."""
    head_size: int
    """Width of one attention head."""
    intermediate_size: int
    """Width of one feed-forward block, or of one expert."""
    vocabulary: int
    tied_embeddings: bool
    max_model_len: int
    """Longest context in tokens that the model was made for."""
    experts: int
    """Experts in each feed-forward layer; 0 for a dense model."""
    experts_per_token: int
    """Experts that one token visits; 0 for a dense model."""
    window_layers: int
    """Layers that attend to a sliding window only."""
    window: int
    """Tokens in that window; 0 when no layer has one."""
    source: str
    """Where the figures come from."""
    quantized_attention: bool = True
    """Whether a quantised checkpoint quantises attention too; gpt-oss quantises its experts only."""
