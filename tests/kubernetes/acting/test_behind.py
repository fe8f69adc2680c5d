"""What was written counts before a watch shows it, also by others; and only on the very pod that it was meant for."""

import pytest

from tests.kubernetes.acting.made import NAME, NOW, managed, part, plan
from tests.kubernetes.acting.memory import MemoryCluster, drains
from wva.control.clock import SystemClock
from wva.fleet.outcome import Result
from wva.kubernetes.acting.advance import DrainSettings
from wva.kubernetes.acting.carry_out import ActingSettings, Carrier, Known
from wva.kubernetes.acting.drain import read
from wva.kubernetes.acting.writer import Writer
from wva.kubernetes.api.client import Body
from wva.kubernetes.api.resource import Resource
from wva.kubernetes.objects.meta import condition
from wva.kubernetes.objects.pod import DRAINING, SERVING_GATE

VERSION = (1, 22)


class Clock(SystemClock):
    """A clock that is set by hand."""

    now = NOW

    def utc(self) -> float:
        return self.now

    monotonic = utc


class Leader:
    """A process that acts on a cluster of which its watch shows nothing new."""

    def __init__(self, cluster: MemoryCluster) -> None:
        self.cluster = cluster
        self.clock = Clock()
        settings = ActingSettings(DrainSettings(VERSION, 100.0))
        self.carrier = Carrier(Writer(cluster, lambda: True), self.clock, settings, lambda *_: None)

    async def plan(self, target: int, expected: int, victims: tuple[str, ...] = ()) -> Result:
        marks = self.carrier.marks.of(self.cluster.pods)
        found = managed(self.cluster.workload, self.cluster.pods, version=VERSION, marks=marks)
        wanted = plan(part(target, expected, victims), valid_until=self.clock.now + 1)
        return (await self.carrier.carry_out(wanted, {NAME: found}, Known()))[0].result


def cluster_of(pods: int, kind: type[MemoryCluster] = MemoryCluster, *, gated: bool = False) -> MemoryCluster:
    return kind(pods, gated=gated, version=VERSION, now=NOW - 1000)


def closed(cluster: MemoryCluster) -> list[str]:
    """Pods whose gates are."""
    said = {name: condition(body["status"], SERVING_GATE) or {} for name, body in cluster.truth.items()}
    return [name for name, each in said.items() if each["status"] == "False"]


async def test_a_mark_counts_before_it_is_seen() -> None:
    leader = Leader(cluster_of(3))
    assert await leader.plan(2, 3, ("d-2",)) is Result.APPLIED
    writes = leader.cluster.writes
    assert await leader.plan(2, 2) is Result.APPLIED
    assert leader.cluster.writes == writes
    assert [name for name, body in leader.cluster.truth.items() if drains(body)] == ["d-2"]


async def test_a_count_counts_before_it_is_seen() -> None:
    leader = Leader(cluster_of(2))
    assert await leader.plan(4, 2) is Result.APPLIED
    assert await leader.plan(5, 2) is Result.APPLIED
    assert leader.cluster.replicas == 5


async def test_what_is_not_seen_for_long_was_undone() -> None:
    leader = Leader(cluster_of(2))
    await leader.plan(4, 2)
    leader.cluster.replicas = 2
    leader.clock.now += 60.0
    assert await leader.plan(5, 2) is Result.APPLIED
    assert leader.cluster.replicas == 5


async def test_a_pod_that_another_leader_has_marked_keeps_its_mark_and_its_labels() -> None:
    cluster = cluster_of(3)
    await Leader(cluster).plan(2, 3, ("d-2",))
    bears = cluster.truth["d-2"]["metadata"]["annotations"][DRAINING]
    later = Leader(cluster)
    later.clock.now += 10.0
    await later.plan(2, 3, ("d-2",))
    assert cluster.truth["d-2"]["metadata"]["annotations"][DRAINING] == bears
    assert later.carrier.marks.of(cluster.pods)["d-2"] == read(bears)
    await later.plan(3, 2)
    assert cluster.truth["d-2"]["metadata"]["labels"]["route"] == "on"
    assert not drains(cluster.truth["d-2"])


async def test_another_pod_of_the_same_name_bears_no_mark_and_gets_none() -> None:
    early, late = Leader(cluster_of(3)), Leader(cluster_of(3))
    await early.plan(2, 3, ("d-2",))
    for leader in (early, late):
        leader.cluster.replaced("d-2")
    await late.plan(2, 3, ("d-2",))
    for leader in (early, late):
        assert not drains(leader.cluster.truth["d-2"])
        leader.cluster.see()
        assert leader.carrier.marks.of(leader.cluster.pods) == {}


class ReplacedMeanwhile(MemoryCluster):
    """Has another pod under a name as soon as one was read that drains."""

    async def read(self, resource: Resource, namespace: str | None, name: str, subresource: str | None = None) -> Body:
        found = await super().read(resource, namespace, name, subresource)
        if subresource is None and drains(found):
            self.replaced(name)
        return found


async def test_a_gate_is_not_closed_on_a_pod_that_came_between_a_look_and_the_write() -> None:
    cluster = cluster_of(2, ReplacedMeanwhile, gated=True)
    await Leader(cluster).plan(1, 2, ("d-2",))
    assert closed(cluster) == []


@pytest.mark.parametrize(("fails_after", "marked"), [(False, []), (True, ["d-2"])])
async def test_no_gate_is_closed_on_a_pod_of_which_nobody_is_sure_that_it_bears_a_mark(
    fails_after: bool, marked: list[str]
) -> None:
    cluster = cluster_of(2, gated=True)
    cluster.fails_in, cluster.fails_after = 0, fails_after
    assert await Leader(cluster).plan(1, 2, ("d-2",)) is Result.REFUSED
    assert [name for name, body in cluster.truth.items() if drains(body)] == marked
    assert closed(cluster) == []
