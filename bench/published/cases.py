"""What was published, and how each row is run.

The benchmark's rows are means of three runs from ``docs/benchmark.md`` of llm-d-autoscaling; what it ran on is from
``config/scenarios/guides/`` of llm-d-benchmark. ``docs/published.md`` discusses both.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wva.gateway.settings import Queue
from wva.scenario.load import load_scenario, override
from wva.scenario.schema import ClientsSpec, Scenario
from wva.simulate.static_fleet import with_initial

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"
POLICIES = SCENARIOS / "published" / "policies"

LOADS = {"prefill-heavy": "4000/1000", "decode-heavy": "1000/4000", "symmetrical": "1000/1000"}
"""The benchmark's loads with their tokens of prompt and answer."""


@dataclass(frozen=True, slots=True)
class Published:
    """A row as it was published."""

    p99_ttft_s: float
    """Of completed requests only."""
    p99_itl_ms: float
    mean_replicas: float
    most_replicas: int
    errors: int


@dataclass(frozen=True, slots=True)
class Row:
    """One way of running one load."""

    load: str
    name: str
    policy: str
    published: Published | None = None
    """``None`` for a question of our own."""
    options: str | None = None
    """Stem of the options file."""
    queue: Queue = Queue.ENGINE
    duration_s: float | None = None
    replicas: int | None = None
    """Replicas of the only variant when the run starts; ``None`` as the scenario has it."""
    change: Callable[[Scenario], Scenario] | None = None
    target: bool = False
    """Whether the targets hold for it: P99 TTFT within 30 %, replicas within one."""

    def scenario(self) -> Scenario:
        """What is run."""
        scenario = override(
            load_scenario(SCENARIOS / "published" / f"{self.load}.yaml"), queue=self.queue, duration_s=self.duration_s
        )
        if self.replicas is not None:
            scenario = with_initial(scenario, {scenario.variants[0].name: self.replicas})
        return scenario if self.change is None else self.change(scenario)

    @property
    def options_file(self) -> Path | None:
        """The file with the policy's options."""
        return None if self.options is None else POLICIES / f"{self.options}.yaml"


def two_gpus(scenario: Scenario) -> Scenario:
    """Replicas of two GPUs instead of one."""
    (variant,) = scenario.variants
    return scenario.model_copy(update={"variants": (variant.model_copy(update={"tensor_parallel": 2}),)})


def no_client_limit(scenario: Scenario) -> Scenario:
    """Clients that send whatever is due, and wait for it."""
    return scenario.model_copy(update={"clients": ClientsSpec()})


def no_kv_threshold(scenario: Scenario) -> Scenario:
    """A gateway that looks at what waits in the engines alone."""
    return scenario.model_copy(update={"gateway": scenario.gateway.model_copy(update={"hold_above_kv": None})})


def later_replicas(scenario: Scenario) -> Scenario:
    """Replicas that come 35 s later, as if the HPA saw every ask of the autoscaler that much later."""
    (variant,) = scenario.variants
    return scenario.model_copy(update={"variants": (variant.model_copy(update={"startup": variant.startup + 35.0}),)})


STATIC, HPA, KEDA = "static 2", "HPA, 1 pod/180 s", "EPP+KEDA, 1 pod/180 s"
V1, V1_LONG = "WVA V1, 600 s", "WVA V1, 1800 s"

_PUBLISHED = {
    "prefill-heavy": {
        STATIC: Published(555.3, 58.2, 2.00, 2, 0),
        HPA: Published(555.5, 59.1, 2.30, 4, 0),
        KEDA: Published(506.9, 58.7, 7.42, 10, 0),
        V1: Published(98.4, 54.8, 1.73, 3, 4184),
        V1_LONG: Published(96.1, 54.1, 2.55, 4, 12822),
    },
    "decode-heavy": {
        STATIC: Published(356.6, 113.8, 2.00, 2, 0),
        HPA: Published(356.9, 113.3, 2.21, 4, 0),
        KEDA: Published(408.2, 106.9, 8.22, 10, 0),
        V1: Published(78.1, 47.1, 1.84, 3, 3563),
        V1_LONG: Published(70.9, 46.1, 2.40, 4, 10762),
    },
    "symmetrical": {
        STATIC: Published(507.5, 70.5, 2.00, 2, 0),
        HPA: Published(518.3, 70.5, 2.32, 4, 0),
        KEDA: Published(494.8, 65.4, 7.45, 10, 0),
        V1: Published(100.2, 67.3, 1.70, 3, 3729),
        V1_LONG: Published(88.2, 66.4, 3.05, 5, 10272),
    },
}


def _rows_of(load: str) -> list[Row]:
    was = _PUBLISHED[load]
    slow, fast, wva = "hpa-1-pod-in-180s", "hpa-10-pods-in-150s", "wva-v1"
    gateway = Queue.GATEWAY
    v1 = "saturation-percent"
    return [
        Row(load, STATIC, "static", was[STATIC], replicas=2, target=True),
        Row(load, HPA, "hpa", was[HPA], slow),
        Row(load, KEDA, "hpa", was[KEDA], slow),
        Row(load, "EPP+KEDA, 10 pods/150 s", "hpa", was[KEDA], fast),
        Row(load, V1, v1, was[V1], wva, queue=gateway),
        Row(load, V1_LONG, v1, was[V1_LONG], wva, queue=gateway, duration_s=1800.0),
    ]


def _questions_of(load: str) -> list[Row]:
    was = _PUBLISHED[load]
    return [
        Row(load, f"{STATIC}, of two GPUs each", "static", was[STATIC], replicas=2, change=two_gpus),
        Row(load, f"{STATIC}, clients without limit or end", "static", was[STATIC], replicas=2, change=no_client_limit),
        Row(
            load,
            f"{V1}, gateway without KV threshold",
            "saturation-percent",
            was[V1],
            "wva-v1",
            queue=Queue.GATEWAY,
            change=no_kv_threshold,
        ),
        Row(
            load,
            f"{V1}, each replica 35 s later",
            "saturation-percent",
            was[V1],
            "wva-v1",
            queue=Queue.GATEWAY,
            change=later_replicas,
        ),
    ]


BENCHMARK = [row for load in LOADS for row in _rows_of(load)]
"""The rows of the benchmark."""

BURSTY = Row(
    "bursty",
    "WVA V1, bursts",
    "saturation-percent",
    Published(262.4, 196.3, 2.43, 4, 6110),
    "wva-v1",
    queue=Queue.GATEWAY,
)
"""A load of its own, from a generator without a limit."""

QUESTIONS = [row for load in LOADS for row in _questions_of(load)]
"""The same loads under other assumptions: which of them matter."""

SLO_POLICIES = {"static 8": ("static", 8), "slo-law": ("slo-law", None), "wva": ("wva", None)}
"""Policy, and the replicas at the start where they are not the scenario's, of each row of the SLO-aware episode."""

SLO_PUBLISHED = {"static 8": (1.0, 8.0), "slo-law": (0.958, 5.93)}
"""(share of requests within both objectives, mean replicas) of the guide's episodes."""

KNEE_RATES = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
"""Requests/s of the sweep over one replica; the published one had twelve stages from 0.5 to 18."""

PAPER = ("saturation-reactivity", "cost-tiering", "throughput-stability", "request-stability")
"""Scenarios of the paper's figures; the figure of power is about the second."""

PAPER_POLICIES = {"hpa": None, "saturation-percent": "wva-v1", "saturation-tokens": "wva-v1", "wva": None}
"""Options of each policy that is compared on them: the paper's baseline, its two analyzers, and this project's own."""
