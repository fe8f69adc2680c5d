"""Hand-made fleets for the brain: one model, some variants, and a gateway that counts."""

from dataclasses import dataclass, fields, replace

from wva.decide.brain import WvaPolicy
from wva.decide.memory import BrainMemory, LoadSample, ModelMemory
from wva.decide.settings import Settings
from wva.fleet.inventory import Inventory
from wva.fleet.model import Model, Objectives
from wva.fleet.observation import CarrierTraits, ModelObservation, Observation, Traffic, Trigger, VariantObservation
from wva.fleet.plan import VariantPlan
from wva.fleet.replica import Instance, InstanceMetrics, Phase, Replica
from wva.fleet.variant import EngineArguments, Role, Variant

SETTINGS = Settings()
MODEL = Model("m", "default", "Llama-3.1-8B-Instruct", "bf16", Objectives(2.0, 0.05), 0)
TRAITS = CarrierTraits("wva", chooses_victims=False, drains=True, reaches_zero=True, restores=False)
NO_METRICS = InstanceMetrics(age_s=5.0, **dict.fromkeys([f.name for f in fields(InstanceMetrics) if f.name != "age_s"]))
BUSY = replace(
    NO_METRICS,
    running=10.0,
    waiting=0.0,
    kv_usage=0.05,
    waiting_max_1m=0.0,
    requests_finished_rate_5m=1.0,
    input_tokens_mean_5m=1000.0,
    output_tokens_mean_5m=200.0,
    prefix_hit_rate_5m=0.0,
)


def variant(name: str = "v", **changes: object) -> Variant:
    plain = Variant(name, "m", Role.BOTH, "H100-80GB", 1, EngineArguments(), 3.0, 0, 20, 110.0)
    return replace(plain, **changes)  # type: ignore[arg-type]


def replica(
    name: str,
    phase: Phase = Phase.READY,
    metrics: InstanceMetrics | None = BUSY,
    since: float = -1000.0,
    revision: str = "1",
) -> Replica:
    served = phase in (Phase.READY, Phase.DRAINING)
    instance = Instance(name, 400_000 if served else None, metrics if served else None)
    started = None if phase is Phase.PENDING else since - 100.0
    return Replica(name, phase, None, since, since, started, since if served else None, revision, (instance,))


def seen(of: Variant, *replicas: Replica, desired: int | None = None) -> VariantObservation:
    count = sum(r.phase is not Phase.DRAINING for r in replicas)
    return VariantObservation(of, count if desired is None else desired, None, "1", TRAITS, replicas)


def ready(of: Variant, count: int) -> VariantObservation:
    return seen(of, *(replica(f"{of.name}-{number}") for number in range(count)))


def traffic(arrivals: float, prompt: float = 1000.0, queue: float = 0.0) -> Traffic:
    """What a gateway says that counted so many requests with prompts of so many tokens."""
    unknown: dict[str, float | None] = dict.fromkeys([f.name for f in fields(Traffic) if f.name != "age_s"])
    known = {
        "arrivals_total": arrivals,
        "arrived_bytes_total": 4.0 * prompt * arrivals,
        "queue_requests": queue,
        "queue_bytes": 4.0 * prompt * queue,
    }
    return Traffic(age_s=0.0, **{**unknown, **known})


def observation(
    now: float,
    of: Traffic | None,
    *variants: VariantObservation,
    trigger: Trigger = Trigger.INTERVAL,
    inventory: Inventory = Inventory(),  # noqa: B008
) -> Observation:
    models = (ModelObservation(MODEL, of),)
    return Observation(f"o{now}", now, trigger, ("m",), models, variants, inventory, (), "c")


@dataclass
class Play:
    """The brain over time, at one load, fleet by fleet."""

    now: float = 0.0
    arrivals: float = 0.0
    memory: BrainMemory | None = None

    def decide(self, rate: float, *variants: VariantObservation, **more: object) -> dict[str, VariantPlan]:
        """One decision 15 s after the last one."""
        self.now += 15.0
        self.arrivals += 15.0 * rate
        return self.see(observation(self.now, traffic(self.arrivals), *variants, **more))  # type: ignore[arg-type]

    def see(self, what: Observation) -> dict[str, VariantPlan]:
        policy = WvaPolicy()
        plan, self.memory = policy(what, self.memory or policy.initial_memory())
        return {part.variant: part for part in plan.variants}

    def run(self, seconds: float, rate: float, *variants: VariantObservation) -> dict[str, VariantPlan]:
        plans: dict[str, VariantPlan] = {}
        for _ in range(round(seconds / 15.0)):
            plans = self.decide(rate, *variants)
        return plans


def codes(plan: VariantPlan) -> list[str]:
    return [reason.code for reason in plan.reasons]


def recorded(rates: list[float], prompt: float = 100.0, step: float = 15.0) -> ModelMemory:
    """A record of samples between which requests came at these rates."""
    samples, requests = [LoadSample(0.0, 0.0, 0.0, 0.0, None)], 0.0
    for number, rate in enumerate(rates, 1):
        requests += rate * step
        samples.append(LoadSample(number * step, requests, requests * prompt, 0.0, None))
    return ModelMemory(since=0.0, samples=tuple(samples))
