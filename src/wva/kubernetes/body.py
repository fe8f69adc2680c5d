"""The fleet of a cluster: a ``wva.control.seams.Body``."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from wva.control.seams import FleetState
from wva.fleet.clock import Clock
from wva.fleet.inventory import Inventory
from wva.fleet.outcome import Outcome
from wva.fleet.plan import Plan
from wva.fleet.readings import Readings
from wva.fleet.tick import Tick
from wva.kubernetes.acting.carry_out import ActingSettings, Carrier, Known
from wva.kubernetes.acting.load import Load, loads
from wva.kubernetes.acting.writer import Writer
from wva.kubernetes.managed import Managed
from wva.kubernetes.objects.pod import Pod
from wva.kubernetes.ownership import Truce, handed_over, wrote
from wva.kubernetes.picture import Picture, Remembered, look
from wva.kubernetes.quiet import quiet_models
from wva.kubernetes.snapshot import view_of
from wva.kubernetes.strays import strays
from wva.kubernetes.unchanged import Unchanged
from wva.kubernetes.view import Setting, View
from wva.kubernetes.watching.kinds import Kind
from wva.kubernetes.watching.mirror import Mirror
from wva.prometheus.gauges import published


@dataclass(frozen=True, slots=True)
class _Write:
    """A count that WVA wrote."""

    count: int
    replaced: int
    at: float


class KubernetesFleet:
    """The variants of a cluster, through the objects that declare and carry them."""

    def __init__(
        self,
        mirror: Mirror,
        writer: Writer,
        clock: Clock,
        setting: Setting,
        acting: ActingSettings,
        announce: Callable[[Plan], None],
        left: Remembered,
    ) -> None:
        """Know nothing of the cluster before the first look.

        Args:
            mirror: The objects.
            writer: Writes them.
            clock: Tells the time.
            setting: What the controller is set to.
            acting: How plans are carried out.
            announce: Shows a plan to those who follow it, before it is carried out.
            left: What a predecessor remembered.

        """
        self.picture = Picture((), {}, (), Inventory())
        """The fleet as it was seen last."""
        self.remembered = replace(left, truces={name: handed_over(each) for name, each in left.truces.items()})
        self.carrier = Carrier(writer, clock, acting, self._wrote)
        self._mirror = mirror
        self._clock = clock
        self._setting = setting
        self._announce = announce
        self._looked = False
        self._unchanged = Unchanged()
        self._writes: dict[str, _Write] = {}
        """Newest write of each variant that no look has taken in yet."""
        self.loads: Mapping[str, Load] = {}
        """What pods said of their work when they were last measured, by their ids."""

    def find(self, variant: str) -> Managed | None:
        """A variant as it was seen last."""
        return self.picture.managed.get(variant)

    def present(self) -> list[Managed]:
        """The variants as they were seen last, with their pods and counts as they are now."""
        found = []
        for each in self.picture.managed.values():
            workload = self._mirror.workload(Kind(each.workload.kind), *each.workload.meta.key)
            if workload is not None:
                pods = tuple(pod for pod in self._mirror.pods_of(workload.meta.uid) if not pod.ended)
                found.append(replace(each, workload=workload, pods=pods, draining=self.carrier.marks.of(pods)))
        return found

    def strays(self) -> tuple[Pod, ...]:
        """Pods of no variant that are kept from serving; none before it is known which variants there are."""
        return strays(self._mirror, self._setting.scope, self.picture.managed.values()) if self._looked else ()

    def at_zero(self) -> frozenset[str]:
        """Models that have no replica, and none on its way."""
        present = {each.variant.model for each in self.picture.managed.values() if each.workload.replicas or each.pods}
        return frozenset(model.name for model in self.picture.models) - present

    async def state(self) -> FleetState:
        """Say what is there now."""
        now = self._clock.utc()
        view = view_of(self._mirror, self.carrier.marks.of)
        writes, self._writes = self._writes, {}
        truces = dict(self.remembered.truces)
        for name, write in writes.items():
            truces[name] = wrote(truces.get(name, Truce()), write.count, write.replaced, write.at)
        before = replace(self.remembered, truces=truces)
        # Thousands of variants take longer than others may wait for the event loop.
        self.picture, self.remembered, state = await asyncio.to_thread(self._look, view, before, now)
        self._looked = True
        return state

    async def apply(self, plan: Plan) -> tuple[Outcome, ...]:
        """Show a plan to those who follow it, and carry out what is WVA's own."""
        self._announce(plan)
        managed = self.picture.managed
        told = {
            part.variant: count
            for part in plan.variants
            if (each := managed.get(part.variant)) is not None
            and not each.orders.paused
            and (count := published(part, each.variant)) is not None
        }
        self.remembered = replace(self.remembered, published={**self.remembered.published, **told})
        known = Known(self.loads, told, self.remembered.followers)
        return await self.carrier.carry_out(plan, managed, known)

    def measured(self, readings: Readings) -> None:
        """Take in what pods said, for the choice of those that stop."""
        self.loads = loads(readings, self._clock.utc())

    def turned(self, tick: Tick) -> None:
        """Take in what a turn saw: which models have no request."""
        if tick.observation is not None:
            self.remembered = replace(self.remembered, quiet=quiet_models(tick.observation, self.remembered.quiet))

    def _look(self, view: View, before: Remembered, now: float) -> tuple[Picture, Remembered, FleetState]:
        picture, remembered = look(view, self._setting, before, now, self._unchanged)
        return picture, remembered, picture.state()

    def _wrote(self, variant: str, count: int, replaced: int) -> None:
        self._writes[variant] = _Write(count, replaced, self._clock.utc())
