"""What happens between two decisions."""

from collections.abc import Mapping, Sequence

from tests.kubernetes.acting.made import NAME, NOW, managed, part, plan
from tests.kubernetes.acting.memory import MemoryCluster, drains
from tests.kubernetes.acting.test_carry_out import Clock
from wva.kubernetes.acting.advance import DrainSettings
from wva.kubernetes.acting.carry_out import ActingSettings, Carrier, Known
from wva.kubernetes.acting.keeper import DrainKeeper
from wva.kubernetes.acting.load import Load
from wva.kubernetes.acting.writer import Writer
from wva.kubernetes.managed import Managed
from wva.kubernetes.objects.pod import Pod
from wva.record.problems import Problems


class Kept:
    """A cluster, its controller, and what is declared in it."""

    def __init__(self) -> None:
        self.cluster = MemoryCluster(3, gated=True, version=(1, 20), now=NOW - 1000)
        settings = ActingSettings(DrainSettings((1, 20), 600.0))
        self.carrier = Carrier(Writer(self.cluster, lambda: True), Clock(), settings, lambda *_: None)
        self.problems = Problems()
        self.declared = True
        self.asked = 0
        self.keeper = DrainKeeper(self.carrier, self.managed, self.strays, self.loads, Clock(), self.problems)

    def managed(self) -> list[Managed]:
        self.cluster.see()
        marks = self.carrier.marks.of(self.cluster.pods)
        return [managed(self.cluster.workload, self.cluster.pods, marks=marks)] if self.declared else []

    def strays(self) -> list[Pod]:
        pods = () if self.declared else self.cluster.pods
        return [pod for pod in pods if pod.draining is not None or pod.serving is False]

    async def loads(self, managed: Sequence[Managed]) -> Mapping[str, Load]:
        self.asked += 1
        return {pod.id: Load(NOW + 60, self.cluster.requests[pod.name], 0) for each in managed for pod in each.pods}

    async def drain_one(self) -> None:
        found = {NAME: self.managed()[0]}
        await self.carrier.carry_out(plan(part(2, 3)), found, Known())
        self.cluster.run_kubelets()
        assert sum(map(drains, self.cluster.truth.values())) == 1


def assert_all_serve(kept: Kept) -> None:
    kept.cluster.run_kubelets()
    kept.cluster.see()
    assert not any(map(drains, kept.cluster.truth.values()))
    assert all(pod.ready for pod in kept.cluster.pods)
    assert kept.cluster.replicas == 3


async def test_while_nothing_drains_nobody_is_asked_and_nothing_is_written() -> None:
    kept = Kept()
    writes = kept.cluster.writes
    await kept.keeper.look()
    assert (kept.asked, kept.cluster.writes) == (0, writes)


async def test_a_drained_pod_is_stopped() -> None:
    kept = Kept()
    await kept.drain_one()
    await kept.keeper.look()
    assert kept.cluster.replicas == 2


async def test_a_new_pod_gets_to_serve() -> None:
    kept = Kept()
    kept.cluster.replicas = 4
    kept.cluster.settle()
    await kept.keeper.look()
    kept.cluster.run_kubelets()
    assert all(pod.ready for pod in kept.managed()[0].pods)


async def test_pods_of_a_variant_that_is_declared_no_longer_serve_again() -> None:
    kept = Kept()
    kept.cluster.requests.update(list(kept.cluster.truth))
    await kept.drain_one()
    await kept.keeper.look()
    kept.declared = False
    await kept.keeper.look()
    assert_all_serve(kept)


async def test_pods_that_were_drained_for_a_variant_that_is_gone_by_now_serve_again() -> None:
    kept = Kept()
    await kept.drain_one()
    kept.cluster.see()
    kept.declared = False
    await kept.keeper.look()
    assert_all_serve(kept)


async def test_a_pod_that_is_given_back_in_part_is_given_back_again() -> None:
    kept = Kept()
    await kept.drain_one()
    kept.cluster.see()
    kept.declared = False
    for writes in (0, 1):
        kept.cluster.fails_in = writes
        await kept.keeper.look()
        assert "drains" in kept.problems.now
        kept.cluster.see()
    await kept.keeper.look()
    assert_all_serve(kept)


async def test_what_fails_is_a_problem_until_it_works() -> None:
    kept = Kept()
    await kept.drain_one()
    kept.cluster.fails_in = 0
    await kept.keeper.look()
    assert kept.problems.now["drains"] == "the connection broke"
    await kept.keeper.look()
    assert "drains" not in kept.problems.now
    assert kept.cluster.replicas == 2
