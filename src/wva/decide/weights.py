"""How loads are counted: in mean requests per second."""

from dataclasses import dataclass

from wva.decide.memory import LoadSample


@dataclass(frozen=True, slots=True)
class Weights:
    """How a request counts whose prompt is longer or shorter than the mean."""

    prompt_share: float
    """Part of a mean request's engine time that goes by its prompt's tokens; the rest is the same for each request."""
    input_tokens: float
    """Mean prompt length in tokens."""

    def load(self, requests: float, tokens: float) -> float:
        """Requests with that many prompt tokens together, in mean requests."""
        return (1.0 - self.prompt_share) * requests + self.prompt_share * tokens / self.input_tokens

    def rate(self, first: LoadSample, last: LoadSample) -> float:
        """Mean requests per second between two samples."""
        return self.load(last.requests - first.requests, last.tokens - first.tokens) / (last.time - first.time)
