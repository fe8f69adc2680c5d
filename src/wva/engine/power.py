"""What the GPUs of one server draw.

All the time that a server is on its hardware, starting and draining included, its GPUs draw their idle power and what a
loaded context adds (arXiv 2605.23918 finds that memory in use adds nothing to it). While a step runs they draw more, up
to the power limit. How much more depends on what binds: reading weights, launches and communication leave most of the
arithmetic waiting; attention and compute-bound matrix products do not. So a step's time is parted in two::

    saturated = attention + tokens x (their matrix products at full rate) + sampled tokens x (their output row)
    rest      = busy - saturated

which are sums of the same integers as the step's time itself (:class:`~wva.engine.server.StepTime`), and the energy is

    standing power x time on hardware + streaming power x rest + saturated power x saturated

Energy is linear in the two times, so those of a run are all that its energy needs. It is a roofline of energy (Choi,
Bedard, Fowler and Vuduc, IPDPS 2013) whose two powers are measured rather than derived from joules per byte and FLOP.

Both shares below are round numbers picked while looking at 60 rows of the ML.ENERGY leaderboard 3.0 (December 2025,
vLLM in a steady state): Llama 8B and 70B, Qwen3 8B, 14B and 32B and gpt-oss-120b on H100, Qwen3 32B on B200. There an
H100 draws 62 to 79 % of its limit while 8 sequences decode, and 78 to 99 % with 128 and more. Reading the KV cache of
long contexts draws as much as products do: Qwen3 8B draws 96 % with 63 sequences of some 5,000 tokens. On these rows
the model's mean absolute error is 10 %, its bias -7 %; it is too low, by 15 to 30 %, for gpt-oss in 4 bits and for few
sequences on a B200. For other GPUs no such rows are at hand, and the same shares are assumed.
"""

from dataclasses import dataclass

from wva.fleet.accelerator import Accelerator

STREAMING_SHARE = 0.6
"""Part of the way from standing power to the limit that GPUs draw in a step that reads weights."""

SATURATED_SHARE = 0.97
"""The same for attention and for matrix products at full rate."""


@dataclass(frozen=True, slots=True)
class ServerPower:
    """Power of all GPUs of one server together, in watts."""

    standing_w: float
    """Idle, with a context loaded: what they draw whenever the server is on hardware."""
    streaming_w: float
    """What a step adds while it is not saturated."""
    saturated_w: float
    """What a step adds while it is."""

    def dynamic_j(self, busy_s: float, saturated_s: float) -> float:
        """Joules over standing power of steps that took ``busy_s``, saturated for ``saturated_s`` of them."""
        return self.streaming_w * (busy_s - saturated_s) + self.saturated_w * saturated_s


def server_power(accelerator: Accelerator, gpus: int) -> ServerPower | None:
    """The power of a server on so many GPUs; ``None`` when a figure of the accelerator is unknown."""
    limit, idle, context = accelerator.power_limit_w, accelerator.idle_power_w, accelerator.context_power_w
    if limit is None or idle is None or context is None:
        return None
    standing = idle + context
    above = limit - standing
    return ServerPower(gpus * standing, gpus * STREAMING_SHARE * above, gpus * SATURATED_SHARE * above)
