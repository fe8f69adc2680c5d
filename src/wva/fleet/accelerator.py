"""What a GPU is: the figures of its data sheet that serving speed, memory and power depend on."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Accelerator:
    """One accelerator as its vendor specifies it; efficiencies belong to the engine model, not here."""

    name: str
    """Catalogue name, for example ``H100-80GB``."""
    memory_bytes: int
    """High-bandwidth memory of one GPU, in bytes."""
    memory_bandwidth: float
    """Peak memory bandwidth in bytes per second."""
    flops: dict[str, float]
    """Peak dense FLOP/s by precision (``bf16``, ``fp8``, ``fp4``); a precision the GPU lacks is absent."""
    interconnect_bandwidth: float
    """One-way bandwidth to a peer GPU of the same node, in bytes per second."""
    source: str
    """Where the figures come from."""
    power_limit_w: float | None = None
    """Thermal design power in watts; ``None`` is unknown, as for the two below."""
    idle_power_w: float | None = None
    """Power with no context on the device, in watts."""
    context_power_w: float | None = None
    """Power that a loaded context adds over idle, in watts."""
