"""A fleet that never was: zero, a ramp, a burst, quiet and zero again, told as a real one tells it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from wva.fleet.errors import UserError
from wva.live.state import LiveState, ModelPoint, ModelState, ReplicaState, TickState, VariantPoint, VariantState

START = 1_760_000_000.0
INTERVAL_S = 15.0
STARTUP_S = 110.0
DRAIN_S = 30.0
SERVES = {"a100": 0.55, "h100": 1.1}
"""Requests per second that a replica serves within the objectives."""
PRICES = {"a100": 3.60, "h100": 6.00}
RATES = ((0, 0.3), (180, 0.6), (540, 4), (660, 4), (661, 6), (780, 6), (781, 3), (840, 3), (900, 0), (1860, 0))


@dataclass
class Replica:
    id: str
    variant: str
    ordered: float
    draining: float | None = None

    def phase(self, now: float) -> str:
        if self.draining is not None:
            return "draining"
        return "pending" if now < self.ordered + 15 else "starting" if now < self.ordered + STARTUP_S else "ready"

    def since(self, now: float) -> float:
        phase = self.phase(now)
        return {"pending": self.ordered, "starting": self.ordered + 15, "ready": self.ordered + STARTUP_S}.get(
            phase, self.draining or 0.0
        )


@dataclass
class Story:
    """Steps of 15 s; ``tell`` goes on to the next."""

    start: float = START
    now: float = 0.0
    replicas: list[Replica] = field(default_factory=list)
    ticks: list[TickState] = field(default_factory=list)
    pins: dict[str, int] = field(default_factory=dict)
    paused: bool = False
    problems: dict[str, str] = field(default_factory=dict)
    held: float = 0.0
    waiting: float = 0.0
    offered: float = 0.0
    met: float = 0.0
    cost: float = 0.0
    made: int = 0
    shadow: dict[str, int] = field(default_factory=lambda: {"a100": 1, "h100": 1})
    idle_s: float = 0.0

    def rate(self) -> float:
        for (before, low), (after, high) in pairwise(RATES):
            if self.now <= after:
                return low + (high - low) * (self.now - before) / (after - before)
        return RATES[-1][1]

    def of(self, variant: str, *phases: str) -> list[Replica]:
        return [r for r in self.replicas if r.variant == variant and (not phases or r.phase(self.now) in phases)]

    def tell(self) -> TickState:
        rate, ready = self.rate(), {name: len(self.of(name, "ready")) for name in SERVES}
        capacity = sum(SERVES[name] * count for name, count in ready.items())
        came = rate * INTERVAL_S
        backlog = self.held + came - capacity * 1.15 * INTERVAL_S
        self.held = max(0.0, backlog)
        self.offered += came
        self.met += came if self.ttft(capacity) <= 2.0 else came * 0.35
        counts = {name: len(self.of(name)) - len(self.of(name, "draining")) for name in SERVES}
        targets = self.decide(rate, counts)
        before = dict(counts)
        changes = any(targets[name] != before[name] for name in SERVES)
        if not self.paused:
            self.carry_out(targets, counts)
        load = min(1.0, rate / capacity) if capacity else 0.0
        self.move_shadow(load)
        points = tuple(self.point(name, before[name], targets[name], load) for name in SERVES)
        grow = [f"{name} {before[name]} -> {targets[name]}" for name in SERVES if targets[name] != before[name]]
        early = rate > 0 and not any(counts.values()) and self.now < 60
        tick = TickState(
            number=len(self.ticks) + 1,
            time=self.start + self.now,
            trigger="arrival_at_zero" if early else "interval",
            cause="a request for qwen3-32b is held" if early else None,
            result="paused" if self.paused else "applied",
            words="; ".join(f"{text}: {self.why(rate, text)}" for text in grow) or "holds",
            changes=changes,
            decide_ms=0.61,
            paused=self.paused,
            pins=dict(self.pins),
            problems=dict(self.problems),
            cost_per_hour=self.rate_of_cost(),
            shadow_cost_per_hour={"hpa": sum(PRICES[n] * c for n, c in self.shadow.items())},
            power_w=self.power(load),
            models=(self.model_point(rate, capacity),),
            variants=points,
        )
        self.ticks.append(tick)
        self.cost += tick.cost_per_hour * INTERVAL_S / 3600.0
        self.now += INTERVAL_S
        self.replicas = [r for r in self.replicas if r.draining is None or self.now < r.draining + DRAIN_S]
        return tick

    def decide(self, rate: float, counts: dict[str, int]) -> dict[str, int]:
        self.idle_s = 0.0 if rate > 0.01 else self.idle_s + INTERVAL_S
        need = rate * 1.2 + self.held / 60.0
        h100 = min(4, int(need // 1.3))
        a100 = min(4, -int(-(need - h100 * SERVES["h100"]) // SERVES["a100"])) if need > h100 * SERVES["h100"] else 0
        wanted = {"a100": max(a100, 1 if self.idle_s < 240 else 0), "h100": h100}
        if self.idle_s < 90:
            wanted = {name: max(wanted[name], counts[name] if rate > 0.3 else wanted[name]) for name in wanted}
        return {**wanted, **self.pins}

    def carry_out(self, targets: dict[str, int], counts: dict[str, int]) -> None:
        for name, target in targets.items():
            for _ in range(target - counts[name]):
                self.made += 1
                self.replicas.append(Replica(f"{name}-{self.made}", name, self.now))
            alive = [r for r in self.of(name) if r.draining is None]
            for victim in alive[target:]:
                victim.draining = self.now

    def move_shadow(self, load: float) -> None:
        step = 1 if load > 0.8 or self.held > 3 else -1 if load < 0.4 and len(self.ticks) % 20 == 0 else 0
        self.shadow = {name: min(4, max(1, count + step)) for name, count in self.shadow.items()}

    def why(self, rate: float, text: str) -> str:
        if "-> 0" in text:
            return "no request for 4 min"
        return f"capacity falls short of {rate * 1.2:.2g} requests/s" if rate > 0.4 else "what is left covers the load"

    def ttft(self, capacity: float) -> float:
        return 0.42 + (self.held / capacity if capacity else 0.0) + 0.1 * self.waiting

    def model_point(self, rate: float, capacity: float) -> ModelPoint:
        none = rate < 0.01
        return ModelPoint(
            name="qwen3-32b",
            arrival_rate=round(rate, 3),
            in_flight=round(min(rate, capacity) * 4.2, 0),
            queued=round(self.held),
            ttft_p90_s=None if none or not capacity else self.ttft(capacity),
            tpot_p90_s=None if none or not capacity else 0.03 + 0.03 * min(1.0, rate / capacity),
        )

    def rate_of_cost(self) -> float:
        return sum(PRICES[r.variant] for r in self.replicas if r.phase(self.now) != "pending")

    def power(self, load: float) -> float:
        return sum((2 * 120.0 if r.phase(self.now) != "ready" else 2 * (120.0 + 330.0 * load)) for r in self.replicas)

    def point(self, name: str, before: int, target: int, load: float) -> VariantPoint:
        serving = self.of(name, "ready")
        grows = "grow" if target > before else "shrink" if target < before else "hold"
        return VariantPoint(
            name=name,
            phases={phase: len(self.of(name, phase)) for phase in ("pending", "starting", "ready", "draining")},
            desired=target,
            running=float(len(serving)) * 9 * load if serving else None,
            waiting=self.held / 10 if serving else None,
            kv_usage=0.05 + 0.6 * load if serving else None,
            power_w=None,
            before=before,
            target=target,
            shadows={"hpa": self.shadow[name]},
            reasons=(
                f"load {self.rate():.2g} requests/s, growing by 0.5 a minute, {self.rate():.2g} lately, "
                f"{self.rate() * 1.2:.2g} expected in 110 s, bursts of ±12%",
                f"a replica serves {SERVES[name]:.2g} requests/s until engine time binds, at "
                f"{PRICES[name] / SERVES[name] / 3.6:.3g} per thousand requests (not the dearest variant)",
                f"{abs(target - before)} {'more' if target > before else 'fewer'}: the capacity that holds at the "
                f"objective is {sum(SERVES[r.variant] for r in self.replicas):.2g} requests/s"
                if target != before
                else "kept: capacity 3.2, 0.4 requests/s to spare",
            ),
            reason_codes=("demand", "capacity", grows),
            outcome="refused" if self.paused else "applied",
            outcome_detail="paused" if self.paused else None,
        )

    def state(self) -> LiveState:
        last = self.ticks[-1] if self.ticks else None
        model = last.models[0] if last else None
        return LiveState(
            fleet="demonstration",
            now=self.start + self.now,
            started_at=self.start,
            speed=12.0,
            gateway_url="http://127.0.0.1:8000",
            run_directory="/home/you/.local/state/wva/20261121-1733",
            policy="wva",
            shadows=("hpa",),
            paused=self.paused,
            pins=dict(self.pins),
            problems=dict(self.problems),
            cost_per_hour=last.cost_per_hour if last else 0.0,
            cost=self.cost,
            shadow_cost_per_hour=last.shadow_cost_per_hour if last else {},
            power_w=last.power_w if last else None,
            models=(
                ModelState(
                    name="qwen3-32b",
                    shape="Qwen/Qwen3-32B",
                    priority=0,
                    ttft_objective_s=2.0,
                    tpot_objective_s=0.1,
                    arrival_rate=model.arrival_rate if model else None,
                    in_flight=model.in_flight if model else None,
                    queued=int(model.queued or 0) if model else 0,
                    ttft_p90_s=model.ttft_p90_s if model else None,
                    tpot_p90_s=model.tpot_p90_s if model else None,
                    offered=int(self.offered),
                    ended=int(self.offered),
                    met=int(self.met),
                    failed=0,
                ),
            ),
            variants=tuple(self.variant(name) for name in SERVES),
            load_ended=self.now > 2040,
            tick=len(self.ticks),
            decisions=tuple(tick for tick in self.ticks if tick.changes)[-20:],
        )

    def variant(self, name: str) -> VariantState:
        last = self.ticks[-1] if self.ticks else None
        point = next(p for p in last.variants if p.name == name) if last else None
        return VariantState(
            name=name,
            model="qwen3-32b",
            accelerator="A100-80GB" if name == "a100" else "H100-80GB",
            gpus_per_replica=2,
            cost_per_hour=PRICES[name],
            min_replicas=0,
            max_replicas=6,
            desired=len(self.of(name)) - len(self.of(name, "draining")),
            target=point.target if point else None,
            shadows=dict(point.shadows) if point else {},
            pinned=self.pins.get(name),
            power_w=None,
            replicas=tuple(self.replica(r, place) for place, r in enumerate(self.of(name))),
        )

    def replica(self, replica: Replica, place: int) -> ReplicaState:
        phase = replica.phase(self.now)
        serves = phase in ("ready", "draining")
        load = min(1.0, self.rate() / (sum(SERVES[r.variant] for r in self.replicas) or 1.0))
        return ReplicaState(
            id=replica.id,
            phase=phase,
            reason="waiting for stock" if phase == "pending" else "the engine loads weights" if not serves else None,
            since=self.start + replica.since(self.now),
            started_at=self.start + replica.ordered,
            ready_at=self.start + replica.ordered + STARTUP_S if serves else None,
            node="node-1",
            in_flight=3 if serves else None,
            running=float(round(9 * load + place % 3)) if phase == "ready" else 1.0 if serves else None,
            waiting=float(round(self.held / 10)) if serves else None,
            kv_usage=min(0.97, 0.06 + 0.6 * load + 0.07 * (place % 3)) if serves else None,
            metrics_age_s=2.0 if serves else None,
        )


class ToldFleet:
    """A ``LiveFleet`` whose story goes on as fast as it is told to. Orders need the token ``secret``."""

    def __init__(self, story: Story, seconds_a_tick: float = 0.4, until: float = 2040) -> None:
        self.story = story
        self.pace = seconds_a_tick
        self.gone = False
        self.heard = asyncio.Event()

    async def state(self) -> LiveState:
        return self.story.state()

    async def ticks(self, since: int = 0) -> Sequence[TickState]:
        return [tick for tick in self.story.ticks if tick.number > since]

    async def events(self) -> AsyncIterator[LiveState | TickState]:
        if self.gone:
            raise UserError("nobody answers at http://127.0.0.1:8001")
        yield self.story.state()
        self.heard.set()
        told = len(self.story.ticks)
        while not self.gone:
            await asyncio.sleep(self.pace)
            for tick in self.story.ticks[told:]:
                yield tick
            told = len(self.story.ticks)
            yield self.story.state()

    def unlock(self, token: str) -> "ToldFleet | None":
        return self if token == "secret" else None

    async def pause(self) -> None:
        self.story.paused = True

    async def resume(self) -> None:
        self.story.paused = False

    async def pin(self, variant: str, count: int) -> None:
        self.story.pins[variant] = count

    async def unpin(self, variant: str) -> None:
        del self.story.pins[variant]
