"""A request trace: what one model was asked for, and when."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from wva.fleet.errors import UserError
from wva.workload.blocks import PrefixBlocks

MAX_REQUESTS = 200_000_000
"""Requests in one trace at most: making it takes about 50 bytes of memory each."""


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """Requests to one model in the order of their arrival, as columns of one length."""

    arrival_s: NDArray[np.float64]
    """Seconds since the start of the window, ascending, each in ``[0, duration_s)``."""
    input_tokens: NDArray[np.int32]
    """Tokens of each prompt, at least 1."""
    output_tokens: NDArray[np.int32]
    """Tokens of each answer, at least 1."""
    duration_s: float
    """Length of the window in seconds: what rates are means over, and where superposed copies wrap around."""
    blocks: PrefixBlocks | None = None
    """Prefix blocks of each prompt; ``None`` where the trace has none."""

    def __post_init__(self) -> None:
        arrivals, requests = self.arrival_s, len(self.arrival_s)
        blocks = requests if self.blocks is None else len(self.blocks)
        if not requests == len(self.input_tokens) == len(self.output_tokens) == blocks:
            raise ValueError("the columns of a trace must have one length")
        if requests and not (arrivals[0] >= 0 and arrivals[-1] < self.duration_s):
            raise ValueError("the arrivals of a trace must lie inside its window")
        if np.any(arrivals[1:] < arrivals[:-1]):
            raise ValueError("the arrivals of a trace must ascend")

    def __len__(self) -> int:
        return len(self.arrival_s)

    def window(self, start_s: float = 0.0, duration_s: float | None = None) -> Self:
        """The requests of ``duration_s`` seconds from ``start_s``, counted from that start.

        Without a duration the window reaches to the end of this one. A longer one ends in silence.
        """
        length_s = self.duration_s - start_s if duration_s is None else duration_s
        first, last = (int(row) for row in np.searchsorted(self.arrival_s, (start_s, start_s + length_s)))
        arrivals = self.arrival_s[first:last] - start_s
        # The subtraction can round up to the end of the window.
        np.minimum(arrivals, np.nextafter(length_s, 0.0), out=arrivals)
        return type(self)(
            arrival_s=arrivals,
            input_tokens=self.input_tokens[first:last],
            output_tokens=self.output_tokens[first:last],
            duration_s=length_s,
            blocks=None if self.blocks is None else self.blocks.between(first, last),
        )


def require_holdable(requests: float) -> None:
    """Check a number of requests before they are made.

    Raises:
        UserError: They are more than ``MAX_REQUESTS``.

    """
    if requests > MAX_REQUESTS:
        raise UserError(f"{requests:.3g} requests are more than the {MAX_REQUESTS:.3g} that fit; lower the scale")
