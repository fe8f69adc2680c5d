"""Small scenarios of hand-made servers, and policies that do as they are told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from tests.simulate.fleets import STATUS, Asked, model, server, workload
from wva.engine.server import Server
from wva.fleet.memory import Memory
from wva.fleet.observation import Observation
from wva.fleet.plan import Plan, VariantPlan
from wva.fleet.variant import Variant
from wva.scenario.schema import Scenario
from wva.simulate.result import RunResult
from wva.simulate.run import Setting
from wva.workload.merge import Workload

NOT_USED = {
    "arrivals": "poisson",
    "rate": [["0s", 1], ["1s", 1]],
    "input_tokens": {"constant": 1},
    "output_tokens": {"constant": 1},
}
"""A scenario must have a workload; here each test brings its own requests."""

FAILED = {"too long", "first token timeout", "total timeout", "crashed"}


@dataclass(frozen=True)
class Scripted:
    """Wants what its script says for the time, and the minimum of a variant that the script leaves out."""

    name: str = "scripted"
    script: Mapping[str, Sequence[tuple[float, int]]] = field(default_factory=dict)
    """(from when on in seconds, replicas) of each variant, in order of time."""
    wrong_every: int = 0
    """Every so many decisions it expects what is not there; 0 never."""
    seen: ClassVar[list[Observation]] = []
    """What it was shown since a test last cleared it."""

    def initial_memory(self) -> Memory:
        return Memory()

    def __call__(self, observation: Observation, memory: Memory) -> tuple[Plan, Memory]:
        self.seen.append(observation)
        wrong = self.wrong_every and len(self.seen) % self.wrong_every == 0
        parts = []
        for seen in observation.variants:
            wanted = [count for start, count in self.script.get(seen.variant.name, ()) if start <= observation.now]
            target = wanted[-1] if wanted else seen.variant.min_replicas
            parts.append(VariantPlan(seen.variant.name, seen.desired + bool(wrong), target, target))
        return Plan(observation.id, observation.id, observation.now + 60, tuple(parts)), memory


def setting(
    *variants: Variant,
    servers: Mapping[str, Server] | None = None,
    initial: Mapping[str, int] | None = None,
    nodes: Sequence[tuple[str, int, int]] | None = None,
    clients: Mapping[str, Any] | None = None,
    gateway: Mapping[str, Any] | None = None,
    interval: float = 1.0,
    scrape: float = 1.0,
    crashes: Sequence[tuple[float, str]] = (),
) -> Setting:
    """A scenario of these variants, whose models promise a first token in 1 s and further ones 100 ms apart."""
    names = list(dict.fromkeys(v.model for v in variants))
    document = {
        "name": "small",
        "workload": [{"model": names[0], "synthetic": NOT_USED}],
        "models": {
            name: {"shape": "shape", "precision": "bf16", "objectives": {"ttft": "1s", "tpot": "100ms"}}
            for name in names
        },
        "variants": [
            {
                "name": v.name,
                "model": v.model,
                "accelerator": v.accelerator,
                "tensor_parallel": v.tensor_parallel,
                "cost": v.cost_per_hour,
                "min": v.min_replicas,
                "max": v.max_replicas,
                "initial": (initial or {}).get(v.name, v.min_replicas),
                "startup": f"{v.startup_s}s",
            }
            for v in variants
        ],
        "nodes": None if nodes is None else [{"accelerator": a, "gpus": g, "count": c} for a, g, c in nodes],
        "clients": clients or {},
        "gateway": gateway or {},
        "control": {"interval": f"{interval}s", "scrape": f"{scrape}s"},
        "crashes": [{"at": f"{at}s", "variant": name} for at, name in crashes],
    }
    scenario = Scenario.model_validate(document)
    own = servers or {}
    return Setting(
        scenario, tuple(model(name) for name in names), variants, tuple(own.get(v.name, server()) for v in variants)
    )


def asked(setting: Setting, requests: Sequence[Asked], window_s: float) -> Workload:
    """Those requests of a setting's models."""
    return workload(requests, [one.name for one in setting.models], window_s)


def statuses(result: RunResult) -> list[str]:
    """How every request ended."""
    return [STATUS[int(status)] for status in result.requests["status"]]
