"""Carries plans out: each variant for itself, all of them at once, and none of them stopped by what fails for another.

What is done for one variant is worked out anew from what is there each time, so that a plan which was carried out in
part is taken up where it was left, by this process or by the next.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from weakref import WeakValueDictionary

from wva.control.carry_out import accepted, in_order, no_such_variant, waiting_for_stock
from wva.decide.view import not_draining
from wva.fleet.clock import Clock
from wva.fleet.errors import UserError
from wva.fleet.outcome import Outcome, Result
from wva.fleet.plan import Plan, VariantPlan
from wva.fleet.replica import Replica
from wva.kubernetes.acting.advance import DrainSettings, next_steps
from wva.kubernetes.acting.caps import Caps, Changes, Granted, grant, newest
from wva.kubernetes.acting.follow import followed
from wva.kubernetes.acting.load import Load
from wva.kubernetes.acting.steps import WriteScale
from wva.kubernetes.acting.take import ChangedError, Taker
from wva.kubernetes.acting.verdict import verdict
from wva.kubernetes.acting.writer import Writer
from wva.kubernetes.managed import Managed
from wva.kubernetes.objects.pod import Pod
from wva.kubernetes.objects.scaler import Scaler
from wva.kubernetes.ownership import Change, change, to_write
from wva.policies.hpa.memory import VariantMemory

_log = logging.getLogger("wva")


@dataclass(frozen=True, slots=True)
class ActingSettings:
    """How plans are carried out."""

    drain: DrainSettings = field(default_factory=DrainSettings)
    caps: Caps = field(default_factory=Caps)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known beside the objects themselves, by the name of the variant unless said otherwise."""

    loads: Mapping[str, Load] = field(default_factory=dict)
    """What pods said of their load, by their ids."""
    published: Mapping[str, int] = field(default_factory=dict)
    """What the gauge says by now."""
    followers: Mapping[str, VariantMemory] = field(default_factory=dict)
    """What each one's follower remembers."""


class Carrier:
    """Carries plans out, and goes on with what they began."""

    def __init__(
        self, writer: Writer, clock: Clock, settings: ActingSettings, on_written: Callable[[str, int, int], None]
    ) -> None:
        """``on_written`` is told of every count that is WVA's: the variant, the count, and the one it replaced."""
        self._taker = Taker(writer, clock)
        self._clock = clock
        self._settings = settings
        self._on_written = on_written
        self._changes: Changes = ()
        self._targets: dict[str, int] = {}
        """The last that was accepted, by the name of the variant: fewer are not left while there is no other plan."""
        self._turns = WeakValueDictionary[str, asyncio.Lock]()
        """Held by whoever works on a variant, by its name; there while somebody holds it or waits for it."""
        self.marks = self._taker.marks
        """What is written on pods and workloads, what a watch does not show yet included."""

    async def carry_out(self, plan: Plan, managed: Mapping[str, Managed], known: Known) -> tuple[Outcome, ...]:
        """Carry a plan out, one outcome a part.

        ``managed`` are all variants as they are now, by their names. It returns once everything is accepted or
        refused, not once it is done.
        """
        # One that comes back later is another: what was wanted of it before says nothing.
        self._targets = {name: target for name, target in self._targets.items() if name in managed}
        members = [replica for each in managed.values() for replica in each.observation.replicas]
        # Caps are used up in this order.
        places = in_order(plan)
        parts = [plan.variants[place] for place in places]
        outcomes = await asyncio.gather(
            *(self._part(plan, part, managed.get(part.variant), known, members) for part in parts)
        )
        return tuple(outcome for _, outcome in sorted(zip(places, outcomes, strict=True), key=lambda each: each[0]))

    async def tend(self, managed: Managed, loads: Mapping[str, Load]) -> None:
        """Go on with what was begun for a variant: stop pods that have drained, open the gates of new ones.

        Raises ``ApiError`` and ``NotLeadingError``; what was done until then stays.
        """
        async with self._turn(managed):
            # What has changed meanwhile is seen by the next look.
            with suppress(ChangedError):
                await self._advance(managed, None, loads)

    async def give_back(self, pod: Pod) -> None:
        """Put a pod back into service of which nobody takes care any longer. Raises as ``tend`` does."""
        with suppress(ChangedError):
            await self._taker.give_back(pod)

    async def _part(
        self, plan: Plan, part: VariantPlan, managed: Managed | None, known: Known, members: Sequence[Replica]
    ) -> Outcome:
        if managed is None:
            return no_such_variant(plan, part)
        current = not_draining(managed.observation)
        expired = self._clock.utc() > plan.valid_until
        target = verdict(plan, part, managed, expired=expired, members=members)
        if isinstance(target, Outcome):
            return target
        try:
            if managed.follower is not None:
                return await self._told(plan, part, target, managed, managed.follower, known)
            return await self._directly(plan, part, target, managed, known.loads)
        except ChangedError as error:
            result, why = Result.CONFLICT, str(error)
        except UserError as error:
            result, why = Result.REFUSED, str(error)
        except Exception as error:
            _log.exception("%s is not carried out", part.variant)
            result, why = Result.REFUSED, f"{type(error).__name__}: {error}"
        return Outcome(plan.id, part.variant, result, current, why)

    async def _directly(
        self, plan: Plan, part: VariantPlan, target: int, managed: Managed, loads: Mapping[str, Load]
    ) -> Outcome:
        granted = self._granted(target, managed)
        async with self._turn(managed):
            self._targets[part.variant] = granted.target
            await self._advance(managed, replace(part, target=granted.target), loads, plan.id)
        if granted.cap is not None:
            return Outcome(plan.id, part.variant, Result.CLAMPED, granted.target, granted.cap)
        return accepted(plan, part, target, _held_up(managed))

    async def _told(
        self, plan: Plan, part: VariantPlan, target: int, managed: Managed, follower: Scaler, known: Known
    ) -> Outcome:
        """What comes of a count that is only published, but for the wake from zero, which is WVA's where it may."""
        workload, name = managed.workload, part.variant
        published = known.published.get(name)
        if change(workload.replicas, target) is not Change.FROM_ZERO or not managed.orders.writes:
            return followed(plan, part, workload, follower, known.followers.get(name), published, self._clock.utc())
        count = to_write(managed.mode, workload.replicas, target, published)
        if count is None:
            detail = "it is woken once the gauge says 1 or more"
            return Outcome(plan.id, name, Result.PENDING, workload.replicas, detail)
        async with self._turn(managed):
            await self._taker.take(workload, (WriteScale(count, workload.replicas),), partial(_say, managed, plan.id))
        if count == part.target:
            return Outcome(plan.id, name, Result.APPLIED, count)
        detail = f"{follower.kind} {follower.meta.name} goes on from {count}"
        return Outcome(plan.id, name, Result.PENDING, count, detail)

    def _granted(self, target: int, managed: Managed) -> Granted:
        """How far the caps let the count go, and note that it goes there."""
        now = self._clock.utc()
        granted = grant(
            self._settings.caps,
            self._changes,
            now,
            not_draining(managed.observation),
            target,
            free=len(self.marks.of(managed.pods)),
            gpus=managed.variant.gpus_per_replica,
        )
        if granted.change.replicas:
            self._changes = (*newest(self._changes, now), granted.change)
        return granted

    async def _advance(
        self, managed: Managed, part: VariantPlan | None, loads: Mapping[str, Load], plan: str | None = None
    ) -> None:
        workload = self.marks.counted(managed.workload)
        steps = next_steps(
            replace(managed, workload=workload, draining=self.marks.of(managed.pods)),
            part,
            loads,
            self._clock.utc(),
            self._settings.drain,
            self._targets.get(managed.variant.name),
        )
        await self._taker.take(workload, steps, partial(self._written, managed, plan))

    def _written(self, managed: Managed, plan: str | None, count: int, replaced: int) -> None:
        _say(managed, plan, count, replaced)
        self._on_written(managed.variant.name, count, replaced)

    def _turn(self, managed: Managed) -> asyncio.Lock:
        """One worker at a time for each variant."""
        return self._turns.setdefault(managed.variant.name, asyncio.Lock())


def _say(managed: Managed, plan: str | None, count: int, replaced: int) -> None:
    """Log a count that was written, and the decision that it comes of; ``None`` where that was an earlier one."""
    workload, about = managed.workload, managed.found.meta
    model = managed.variant.model.partition("/")[2]
    extra = {"decision": plan, "namespace": about.namespace, "variant": about.name, "model": model}
    _log.info("%s %s scaled from %d to %d", workload.kind, workload.meta.name, replaced, count, extra=extra)


def _held_up(managed: Managed) -> tuple[str, ...]:
    """What keeps replicas from coming."""
    refusal = managed.workload.refusal
    lacks = refusal is not None and managed.workload.present < managed.workload.replicas
    said = (refusal.message,) if refusal is not None and lacks else ()
    return (*waiting_for_stock(managed.observation.replicas), *said)
