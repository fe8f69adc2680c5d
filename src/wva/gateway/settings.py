"""How a gateway routes, holds and gives up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from wva.fleet.model import Objectives


class Queue(StrEnum):
    """Where requests wait."""

    ENGINE = "engine"
    """In a replica's own queue: the gateway sends each on at once."""
    GATEWAY = "gateway"
    """At the gateway, while every ready replica has ``hold_above`` waiting."""


class Routing(StrEnum):
    """How the gateway picks a replica."""

    LEAST_LOADED = "least-loaded"
    ROUND_ROBIN = "round-robin"


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model that clients may ask for."""

    name: str
    priority: int = 0
    """Of its requests, where their objective has none of its own; higher goes first."""
    full_load_s: float = 0.0
    """Seconds for which a replica with a full KV cache looks busy: those of a typical answer at the objective for the
    time per output token. 0 leaves the KV cache out of the comparison of replicas."""
    objectives: Objectives | None = None
    """What its users are promised; ``None`` counts no answer as one that kept the promise."""


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """The settings of one gateway. Times are in seconds of its clock; ``None`` waits for ever."""

    queue: Queue = Queue.ENGINE
    hold_above: int = 5
    """Requests waiting in every ready replica from which on the gateway holds new ones."""
    hold_above_kv: float | None = None
    """Share of the KV cache in use from which on a replica counts as one that has ``hold_above`` waiting; ``None``
    looks at the waiting alone."""
    first_token_timeout: float = 60.0
    """From the arrival of a request: held so long it fails, and so does a streamed one that has no first token yet. An
    answer that is not streamed shows its first token only when it is whole, so there it limits only the holding."""
    total_timeout: float | None = None
    """From the arrival of a request to its last token."""
    queue_timeout: float | None = None
    """Limit on how long a request is held."""
    stall_timeout: float | None = 120.0
    """Silence after which a stream that has begun counts as broken: its replica hangs."""
    routing: Routing = Routing.LEAST_LOADED
    reading_max_age: float = 30.0
    """Age from which a reading of a replica tells nothing any more. Then the replica has room whatever it has: its own
    queue takes what it cannot serve, and failing metrics do not stop the traffic. Until its first reading a replica
    counts as having only what it was sent."""
    max_queued_requests: int = 10_000
    """Requests held for one model and priority at most; further ones get 429."""
    max_queued_bytes: int = 1 << 30
    """Bytes of bodies held for one model and priority at most. One request is held whatever its size."""
    max_body_bytes: int = 64 << 20
    """A body above this gets 413; prompts of ten million characters fit several times."""
    connect_timeout: float = 5.0
    """On the wall, as the two that follow: what they wait for is no faster where the clock is."""
    stop_timeout: float = 5.0
    """What is under way when the gateway stops gets so long to end."""
    retry_after: int = 2
    """Whole seconds after which clients that were turned away are asked to come again."""
    max_retries: int = 3
    """Times that a request of which nothing was served is tried on another replica."""
    refused_pause: float = 1.0
    """Time for which a replica that refused a connection gets nothing new."""
    affinity_limit: float | None = 1.25
    """A replica that has served the beginning of a prompt before gets it again while its load is at most this times the
    least load plus one request: 1.25 is the bound of consistent hashing with bounded loads (Mirrokni et al., 2018).
    ``None`` turns affinity off."""
    affinity_prefixes: int = 100_000
    """Beginnings of prompts that are remembered for each model at most."""
    objectives: Mapping[str, int] = field(default_factory=dict)
    """Priority of each objective that clients may name in ``x-llm-d-inference-objective``."""
    pool: str = "wva"
    """Value of the label ``inference_pool``."""
    clock_speed: float = 1.0
    """Seconds of the gateway's clock in one on the wall: above 1 before a fleet that lives faster."""

    def on_the_wall(self, seconds: float | None) -> float | None:
        """So many seconds of the gateway's clock in seconds on the wall."""
        return None if seconds is None else seconds / self.clock_speed
