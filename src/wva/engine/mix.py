"""What requests look like on average."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RequestMix:
    """The mean request of a load."""

    input_tokens: float
    """Tokens of the prompt, cached ones included; at least 1."""
    output_tokens: float
    """Tokens of the answer; at least 1, and 1 where the server only prefills."""
    prefix_hit_rate: float = 0.0
    """Part of the prompt found in the prefix cache, 0 to 1."""
    held_tokens: float | None = None
    """KV-cache tokens for each sequence in flight on average, where that was measured: what several share is held once.

    Long answers are in flight for longer, so this is more than prompt and half an answer where lengths vary:
    ``input + E[output^2] / (2 E[output])`` for answers independent of their prompts.
    """

    @property
    def computed_tokens(self) -> int:
        """Tokens of the prompt that the engine computes; the last one always."""
        return max(1, round(self.input_tokens * (1.0 - self.prefix_hit_rate)))

    @property
    def cached_tokens(self) -> int:
        """Tokens of the prompt that the prefix cache holds."""
        return max(0, round(self.input_tokens) - self.computed_tokens)

    @property
    def decode_steps(self) -> float:
        """Steps that decode the answer: prefill yields its first token."""
        return max(0.0, self.output_tokens - 1.0)

    @property
    def mean_held(self) -> float:
        """KV-cache tokens for each decoding sequence on average: what memory is needed for."""
        return self.mean_length if self.held_tokens is None else self.held_tokens

    @property
    def mean_context(self) -> float:
        """Tokens that a decoding sequence attends to on average: what a step reads, also where several share it."""
        held, length = self.held_tokens, self.mean_length
        if held is None:
            return length
        return held if length <= held else min(length, held + self.cached_tokens)

    @property
    def mean_length(self) -> float:
        """Prompt and half the answer."""
        return self.input_tokens + self.output_tokens / 2.0
