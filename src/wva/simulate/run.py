"""One policy, one seed: from traffic to the end of the last request."""

import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wva.control.stock import Stock
from wva.engine.batch.state import NEVER, PICOSECONDS
from wva.engine.build import build_server
from wva.engine.routing_cost import full_load_s, request_cost_s
from wva.engine.server import Server
from wva.fleet.catalogue import accelerator, model_shape
from wva.fleet.model import Model
from wva.fleet.observation import Observation
from wva.fleet.outcome import Outcome
from wva.fleet.policy import Policy
from wva.fleet.variant import Variant
from wva.gateway.settings import Queue, Routing
from wva.record.decision import Decision
from wva.record.digest import configuration_digest
from wva.record.run import encode_configuration
from wva.record.writer import JournalWriter
from wva.scenario.document import encode_scenario
from wva.scenario.nouns import fleet_models, fleet_variants
from wva.scenario.schema import AtEnd, Scenario
from wva.simulate.attainable import find_attainable
from wva.simulate.body import SimulatedFleet, most_rows
from wva.simulate.energy import energy_drawn, kilograms_of_co2
from wva.simulate.loop import all_served, leave_unfinished, next_event, stop_sending
from wva.simulate.observe import Observer
from wva.simulate.replicas import SimulatedReplica
from wva.simulate.result import PHASES, RunResult, Timeline, VariantUse
from wva.simulate.setup import build_world
from wva.simulate.world import World
from wva.workload.merge import Workload

CONTROL_STREAM = 1
"""First number of the spawn key of the generator that draws the phases of scraping and control."""

Progress = Callable[[float], None]
"""Told the share of the window that is over, now and then, and 1 at the end."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What every run of a scenario shares."""

    scenario: Scenario
    models: tuple[Model, ...]
    variants: tuple[Variant, ...]
    servers: tuple[Server, ...]
    """One for each variant."""

    @property
    def model_of(self) -> tuple[int, ...]:
        """Model index of each variant."""
        names = [model.name for model in self.models]
        return tuple(names.index(variant.model) for variant in self.variants)


def prepare(scenario: Scenario) -> Setting:
    """Build the servers of a scenario. Raises ``UserError`` for what the catalogue lacks or what does not fit."""
    models, variants = fleet_models(scenario), fleet_variants(scenario)
    by_name = {model.name: model for model in models}
    servers = tuple(
        build_server(
            model_shape(by_name[variant.model].shape),
            accelerator(variant.accelerator),
            variant.tensor_parallel,
            by_name[variant.model].precision,
            variant.engine,
        )
        for variant in variants
    )
    return Setting(scenario, models, variants, servers)


def _routing_costs(setting: Setting) -> list[float]:
    """What a request costs on a replica of each variant, in seconds."""
    pairs = zip(setting.servers, setting.model_of, strict=True)
    return [request_cost_s(server, setting.models[model].objectives) for server, model in pairs]


def _world(setting: Setting, workload: Workload) -> World:
    gateway = setting.scenario.gateway
    return build_world(
        workload,
        servers=setting.servers,
        server_models=setting.model_of,
        full_load_s=[full_load_s(model.objectives) for model in setting.models],
        rows=most_rows(setting.variants),
        first_token_timeout_ps=round(gateway.first_token_timeout * PICOSECONDS),
        total_timeout_ps=None if gateway.total_timeout is None else round(gateway.total_timeout * PICOSECONDS),
        queue_timeout_ps=None if gateway.queue_timeout is None else round(gateway.queue_timeout * PICOSECONDS),
        hold_above=gateway.hold_above if gateway.queue is Queue.GATEWAY else None,
        hold_above_kv=gateway.hold_above_kv,
        round_robin=gateway.routing is Routing.ROUND_ROBIN,
        max_concurrency=setting.scenario.clients.max_concurrency,
    )


class _Clockwork:
    """When the control events of a run are due, in picoseconds."""

    def __init__(self, scenario: Scenario, window_s: float, seed: int) -> None:
        """Draw the phases of scraping and control from the seed, so that no policy profits from when it looks."""
        self.window_end = round(window_s * PICOSECONDS)
        names = [variant.name for variant in scenario.variants]
        phases = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(CONTROL_STREAM,))).random(2)
        self.scrape_interval = round(scenario.control.scrape * PICOSECONDS)
        self.control_interval = round(scenario.control.interval * PICOSECONDS)
        self.next_scrape = int(phases[0] * self.scrape_interval)
        self.next_control = int(phases[1] * self.control_interval)
        self._crashes = sorted(
            ((round(crash.at * PICOSECONDS), names.index(crash.variant)) for crash in scenario.crashes), reverse=True
        )

    def next(self) -> int:
        """When the next control event is due."""
        next_crash = self._crashes[-1][0] if self._crashes else NEVER
        return min(self.window_end, self.next_scrape, self.next_control, next_crash)

    def take_window_end(self, now: int) -> bool:
        """Tell, once, that the window ends at ``now``."""
        ends = self.window_end == now
        if ends:
            self.window_end = NEVER
        return ends

    def take_crashes(self, now: int) -> list[int]:
        """Variants of which a replica crashes at ``now``, each once."""
        variants = []
        while self._crashes and self._crashes[-1][0] == now:
            variants.append(self._crashes.pop()[1])
        return variants


class Simulation:
    """A run in progress."""

    def __init__(
        self,
        setting: Setting,
        workload: Workload,
        policy: Policy[Any],
        seed: int,
        journal: JournalWriter[Any] | None = None,
        progress: Progress | None = None,
        configuration: str | None = None,
    ) -> None:
        """``configuration`` is the digest that observations carry; ``None`` is that of the policy."""
        scenario = setting.scenario
        self._setting = setting
        self._workload = workload
        self._policy = policy
        self._seed = seed
        self._journal = journal
        self._progress = progress
        self.world = _world(setting, workload)
        """The gateway, the engines and the requests."""
        self._clock = _Clockwork(scenario, workload.window_s, seed)
        self._fleet = SimulatedFleet(
            self.world, setting.variants, setting.model_of, _routing_costs(setting), Stock(scenario.nodes)
        )
        self._observer = Observer(
            self.world,
            self._fleet,
            setting.models,
            setting.servers,
            scenario.control.scrape,
            configuration_digest(encode_configuration(policy)) if configuration is None else configuration,
        )
        self._memory = policy.initial_memory()
        self._outcomes: tuple[Outcome, ...] = ()
        self._decision_s: list[float] = []
        self._samples: list[tuple[float, list[list[int]], list[float], list[float]]] = []
        self._readings = [(0, [[0.0] * 3 for _ in setting.variants])]
        for index, spec in enumerate(scenario.variants):
            self._fleet.begin(index, spec.initial)

    def run(self) -> RunResult:
        """Work through the whole window, and what it left in flight where clients wait for it."""
        began = time.perf_counter()
        while not self._turn():
            pass
        end = int(self.world.clock[0]["now"])
        self._fleet.close(end)
        if self._progress is not None:
            self._progress(1.0)
        return self._result(end, time.perf_counter() - began)

    def run_until(self, until: int) -> None:
        """Work through all that happens up to and at ``until``, in picoseconds, whether or not the window is over.

        A time that lies behind changes nothing.
        """
        if until < int(self.world.clock[0]["now"]):
            return
        while self._clock.next() <= until:
            self._turn()
        self._fleet.serve_until(until)

    def next_event(self) -> int:
        """When anything happens next, in picoseconds."""
        return min(next_event(self.world), self._fleet.next_start(), self._clock.next())

    def replica_at(self, row: int) -> SimulatedReplica:
        """The replica that serves at this row of the engines. Raises ``StopIteration`` where none does."""
        return next(replica for replica in self._fleet.replicas if replica.row == row)

    def look(self) -> Observation:
        """What a scrape at this instant shows. It takes the place of a scrape to come, so use it on a fork."""
        now = int(self.world.clock[0]["now"])
        self._observer.scrape(now)
        return self._observer.observe(now, ())

    def fork(self, policy: Policy[Any]) -> "Simulation":
        """An independent copy that goes on from here under another policy, without a journal.

        What it has counted of the control plane so far is not copied, so it has no result of its own.
        """
        shared = (self._setting, self._workload, self._policy, self._journal, self._progress)
        memo: dict[int, Any] = {id(part): part for part in shared}
        memo |= {id(past): [] for past in (self._samples, self._readings, self._decision_s)}
        copy = deepcopy(self, memo)
        copy._policy, copy._memory, copy._journal, copy._progress = policy, policy.initial_memory(), None, None
        return copy

    def _turn(self) -> bool:
        """Work through all that happens up to the next control event, and through that; tell whether the run is over.

        It is over at the first decision after the window that finds every request ended, or with the window where
        clients then leave.
        """
        clock = self._clock
        now = clock.next()
        self._fleet.serve_until(now)
        if clock.take_window_end(now):
            stop_sending(self.world)
            if self._setting.scenario.clients.at_end is AtEnd.CANCEL:
                leave_unfinished(self.world, now)
                return True
        for variant in clock.take_crashes(now):
            self._fleet.crash(variant, now)
        if clock.next_scrape == now:
            clock.next_scrape += clock.scrape_interval
            self._observer.scrape(now)
            self._fleet.scraped()
            self._sample(now)
        if clock.next_control == now:
            clock.next_control += clock.control_interval
            window = round(self._workload.window_s * PICOSECONDS)
            if now >= window and all_served(self.world):
                return True
            self._decide(now)
            if self._progress is not None and len(self._decision_s) % 64 == 0:
                self._progress(min(now / window, 1.0))
        return False

    def _decide(self, now: int) -> None:
        observation = self._observer.observe(now, self._outcomes)
        began = time.perf_counter()
        plan, self._memory = self._policy(observation, self._memory)
        duration = time.perf_counter() - began
        self._decision_s.append(duration)
        self._outcomes = self._fleet.apply(plan, now)
        if self._journal is not None:
            self._journal.append(Decision(observation, plan, self._memory, self._outcomes, duration))

    def _sample(self, now: int) -> None:
        counts = [[0] * len(PHASES) for _ in self._setting.variants]
        for replica in self._fleet.replicas:
            counts[replica.variant][PHASES.index(replica.phase.value)] += 1
        in_flight, queued = self._observer.load()
        self._samples.append((now / PICOSECONDS, counts, in_flight, queued))
        self._readings.append((now, self._fleet.consumed(now, *self._observer.work())))

    def _result(self, end: int, wall_s: float) -> RunResult:
        requests = self.world.engines.requests[: int(self.world.clock[0]["arrived"])]
        if not bool(np.all(requests["finish"] >= 0)):
            raise AssertionError("a request was forgotten: neither completed nor failed")
        objectives = [model.objectives for model in self._setting.models]
        hour = 3600 * PICOSECONDS
        consumed = [[use.billed_ps, use.busy_ps, use.saturated_ps] for use in self._fleet.usage]
        energy = energy_drawn([*self._readings, (end, consumed)], [server.power for server in self._setting.servers])
        return RunResult(
            policy=self._policy.name,
            seed=self._seed,
            models=self._setting.models,
            variants=self._setting.variants,
            window_s=self._workload.window_s,
            end_s=end / PICOSECONDS,
            requests=requests,
            attainable=find_attainable(
                self.world.engines._replace(requests=requests),
                np.array(self._setting.model_of),
                _picoseconds([objective.ttft_s for objective in objectives]),
                _picoseconds([objective.tpot_s for objective in objectives]),
            ),
            use=tuple(
                VariantUse(use.billed_ps / hour, use.ready_ps / hour, use.scale_ups, use.scale_downs)
                for use in self._fleet.usage
            ),
            timeline=Timeline(
                np.array([sample[0] for sample in self._samples]),
                np.array([sample[1] for sample in self._samples], np.int32),
                np.array([sample[2] for sample in self._samples]),
                np.array([sample[3] for sample in self._samples]),
            ),
            decision_s=np.array(self._decision_s),
            wall_s=wall_s,
            energy=energy,
            co2_kg=kilograms_of_co2(energy, self._setting.scenario.power),
        )


def _picoseconds(seconds: Sequence[float]) -> NDArray[np.int64]:
    return np.array([round(value * PICOSECONDS) for value in seconds], np.int64)


def simulate(
    setting: Setting,
    workload: Workload,
    policy: Policy[Any],
    seed: int,
    journal_path: Path | None = None,
    progress: Progress | None = None,
) -> RunResult:
    """Run one policy on one seed's traffic, journalled where a path is given (which is overwritten)."""
    if journal_path is None:
        return Simulation(setting, workload, policy, seed, None, progress).run()
    scenario = setting.scenario
    document = encode_scenario(scenario)
    with JournalWriter(
        journal_path, policy, scenario=scenario.name, seed=seed, document=document, overwrite=True
    ) as journal:
        return Simulation(setting, workload, policy, seed, journal, progress).run()
