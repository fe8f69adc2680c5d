"""What would have become of one request: the recorded run from some time before it, with more replicas or without.

Forks of one snapshot carry out the recorded plans with ``k`` more replicas of a variant, from one decision on until the
request has ended; what else was decided stays as it was. Where a plan shrinks the variant, more of it means to stop
fewer, which needs no start. Every answer is a simulation of those minutes, none is estimated. Between orders that were
simulated, the search for the latest takes it that what helps would have helped earlier too: it looks back in growing
strides from the last decision that could matter, then halves the last stride. So the order found and the one a decision
later were both tried.
"""

from collections.abc import Callable
from dataclasses import dataclass

from wva.engine.batch.state import COMPLETED, PICOSECONDS, TRUNCATED
from wva.simulate.met import mark_met
from wva.simulate.recorded import Addition, Recorded, RecordedRun
from wva.simulate.result import RunResult
from wva.simulate.run import Simulation

LOOK_BACK_S = 600.0
"""Orders are looked for until so long before the last start that is over when the request arrives."""
_STRIDE_PS = 15 * PICOSECONDS


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of the request; seconds since the start of the run."""

    met: bool
    answered: bool
    """Whether it had its last token by then."""
    first_token_s: float | None
    """``None`` where it came after the deadline of the last token, or never."""
    finish_s: float | None


@dataclass(frozen=True, slots=True)
class Order:
    """More replicas of a variant with which the request would have been met."""

    variant: int
    """Index of the variant."""
    replicas: int
    decision: int
    """Number of the latest decision that could have ordered them."""
    time: float
    """Of that decision, in seconds."""
    kept: int
    """How many of them that decision stopped: these were there, the others take a start."""
    fate: Fate
    later: Fate | None
    """With ``later_replicas`` ordered one decision later: not met. ``None`` where there was no later decision."""
    later_replicas: int


class Inquiry:
    """One request of a run that was made again."""

    def __init__(
        self, run: RecordedRun, result: RunResult, request: int, progress: Callable[[str], None] | None = None
    ) -> None:
        """``result`` is that of the run; ``progress`` is told what is done."""
        self._run = run
        self._request = request
        self._progress = progress or (lambda doing: None)
        record = result.requests[request]
        model = int(record["model"])
        objectives = run.setting.models[model].objectives
        allowed_s = objectives.ttft_s + max(int(record["output"]) - 1, 0) * objectives.tpot_s
        arrival = int(record["arrival"])
        self.arrival_s = arrival / PICOSECONDS
        self.deadline_s = self.arrival_s + allowed_s
        self.variants = tuple(index for index, of in enumerate(run.setting.model_of) if of == model)
        startup_s = max((run.setting.variants[index].startup_s for index in self.variants), default=0.0)
        self._end = max(arrival + round(allowed_s * PICOSECONDS), int(record["finish"]))
        first_s = self.arrival_s - startup_s - LOOK_BACK_S
        self.decisions: list[tuple[int, Recorded]] = run.decisions(first_s, self._end / PICOSECONDS)
        """The numbered decisions from so long before the request to its end."""
        self._progress("goes back to before it arrived")
        begin_s = min([self.arrival_s] + [decision.time for _, decision in self.decisions[:1]])
        self._before = run.state_at(begin_s, self._end)
        self._fates: dict[tuple[int, int, int], Fate] = {}

    @property
    def simulations(self) -> int:
        """What-ifs that were simulated."""
        return len(self._fates)

    def as_recorded(self) -> Simulation:
        """A fork that goes on as the run did, not yet at the arrival."""
        return self._before.fork(self._run.schedule(self.decisions))

    def orders(self, variant: int) -> list[Order]:
        """The latest order of a variant that would have met the request, and the latest of a single replica.

        The first has as few replicas as suffice at its decision. Neither is there where no order would have helped.
        """
        most = self._most(variant)
        if most < 1 or (latest := self._latest(variant, most)) is None:
            return []
        found = [self._order(variant, self._least(variant, latest, most), latest, most)]
        if found[0].replicas > 1 and (single := self._latest(variant, 1)) is not None:
            found.append(self._order(variant, 1, single, 1))
        return found

    def standing(self, variant: int) -> int | None:
        """Fewest more replicas that would have met it had they been there all along; ``None`` where none would."""
        most = self._most(variant)
        if most < 1 or not self.decisions or not self._fate(variant, most, 0).met:
            return None
        return self._least(variant, 0, most)

    def _most(self, variant: int) -> int:
        """Most replicas that could be added to some plan of those that matter."""
        spec = self._run.setting.variants[variant]
        parts = (part for _, decision in self.decisions for part in decision.plan.variants)
        return spec.max_replicas - min((p.target for p in parts if p.variant == spec.name), default=spec.max_replicas)

    def _latest(self, variant: int, replicas: int) -> int | None:
        """Place of the latest decision whose order of so many replicas meets it; ``None`` without one."""
        in_time = sum(decision.time < self.deadline_s for _, decision in self.decisions)
        met, missed, stride = in_time - 1, in_time, 1
        while met >= 0 and not self._fate(variant, replicas, met).met:
            if met == 0:
                return None
            met, missed, stride = max(met - stride, 0), met, 2 * stride
        while missed - met > 1:
            middle = (met + missed) // 2
            if self._fate(variant, replicas, middle).met:
                met = middle
            else:
                missed = middle
        return met if met >= 0 else None

    def _least(self, variant: int, place: int, most: int) -> int:
        """Fewest replicas that meet it when the decision at that place orders them; ``most`` do."""
        low, high = 0, most
        while high - low > 1:
            middle = (low + high) // 2
            if self._fate(variant, middle, place).met:
                high = middle
            else:
                low = middle
        return high

    def _order(self, variant: int, replicas: int, place: int, later_replicas: int) -> Order:
        number, decision = self.decisions[place]
        later = self._fates.get((variant, later_replicas, place + 1))
        kept = min(replicas, self._stopped(variant, decision))
        fate = self._fate(variant, replicas, place)
        return Order(variant, replicas, number, decision.time, kept, fate, later, later_replicas)

    def _stopped(self, variant: int, decision: Recorded) -> int:
        """Replicas of the variant that a decision stopped."""
        name = self._run.setting.variants[variant].name
        desired = next(seen.desired for seen in decision.observation.variants if seen.variant.name == name)
        return max(0, desired - next((p.target for p in decision.plan.variants if p.variant == name), desired))

    def _fate(self, variant: int, replicas: int, place: int) -> Fate:
        key = (variant, replicas, place)
        if key not in self._fates:
            self._progress(f"tries other decisions, {len(self._fates) + 1} so far")
            name = self._run.setting.variants[variant].name
            addition = Addition(name, replicas, self.decisions[place][1].time)
            self._fates[key] = self._simulated(self._before.fork(self._run.schedule(self.decisions, addition)))
        return self._fates[key]

    def _simulated(self, simulation: Simulation) -> Fate:
        requests = simulation.world.engines.requests[self._request : self._request + 1]
        now = int(requests[0]["arrival"])
        while int(requests[0]["finish"]) < 0 and now < self._end:
            now = min(now + _STRIDE_PS, self._end)
            simulation.run_until(now)
        first, finish = int(requests[0]["first_token"]), int(requests[0]["finish"])
        return Fate(
            met=bool(mark_met(requests, self._run.setting.models)[0]),
            answered=int(requests[0]["status"]) in (COMPLETED, TRUNCATED),
            first_token_s=None if first < 0 else first / PICOSECONDS,
            finish_s=None if finish < 0 else finish / PICOSECONDS,
        )
