"""The live body answers plans as the simulated one does, and does the same with its replicas."""

from dataclasses import replace
from pathlib import Path

from tests.local.fleets import COMMAND, ONE, Rig, fleet, part, running
from tests.local.sockets import free_neighbours, listening
from tests.simulate.fleets import Rig as SimulatedRig
from tests.simulate.fleets import plan, ps, variant
from tests.waiting import until
from wva.fleet.outcome import Outcome
from wva.fleet.plan import VariantPlan, Victim

NODES = "[{accelerator: A100-80GB, gpus: 4, count: 1}]"
VARIANTS = ("{name: a, min: 1, max: 4, initial: 2}", "{name: b, min: 0, max: 3, initial: 1}")


def victims(*names: str) -> tuple[Victim, ...]:
    return tuple(Victim(name, None) for name in names)


SCRIPT: list[tuple[str, list[VariantPlan], float]] = [
    ("what is there already", [part(2, 2, "a"), part(1, 1, "b")], 60.0),
    ("fewer expected than there are", [part(1, 4, "a"), part(1, 2, "b")], 60.0),
    ("stock for one of two", [part(2, 4, "a")], 60.0),
    ("what waits for stock is still so", [part(4, 4, "a")], 60.0),
    (
        "below the minimum and above the maximum",
        [replace(part(4, 0, "a"), victims=victims("a-2", "a-3")), part(1, 9, "b")],
        60.0,
    ),
    ("a plan that has expired", [part(1, 2, "a"), part(3, 0, "b")], -1.0),
    ("no such variant", [part(0, 1, "c"), part(1, 1, "a")], 60.0),
    ("named victims", [replace(part(3, 1, "b"), victims=victims("gone", "b-2", "b-3"))], 60.0),
    ("growth that must wait for another", [replace(part(1, 2, "a"), after_freed=("b-1",)), part(1, 1, "b")], 60.0),
    ("a victim of another variant", [replace(part(1, 1, "a"), victims=victims("b-1")), part(1, 2, "b")], 60.0),
    ("down to zero", [part(2, 0, "b")], 60.0),
    ("up from zero, for others that are gone", [replace(part(0, 2, "b"), after_freed=("b-1",))], 60.0),
]


async def test_the_same_plans_have_the_same_outcomes_as_in_the_simulator(tmp_path: Path) -> None:
    simulated = SimulatedRig(variant("a", lowest=1, most=4), variant("b", most=3), nodes=[("gpu", 4, 1)], a=2, b=1)
    async with running(fleet(tmp_path, variants=VARIANTS, nodes=NODES), tmp_path / "logs") as live:
        await settled(live)
        for minute, (what, parts, valid_s) in enumerate(SCRIPT, 1):
            simulated.until(100.0 * minute)
            expected = simulated.fleet.apply(plan(simulated.now, *parts, valid_s=valid_s), ps(simulated.now))
            found = await live.scale(*parts, valid_s=valid_s)
            assert [shown(outcome) for outcome in found] == [shown(outcome) for outcome in expected], what
            simulated.until(100.0 * minute + 50)
            await settled(live)
            assert live.phases() == simulated.phases(), what


async def settled(live: Rig) -> None:
    """Wait until nothing starts and nothing drains."""
    await until(lambda: not {"starting", "draining"} & set(live.phases().values()), lambda: str(live.phases()))


def shown(outcome: Outcome) -> tuple[str, str, int, str | None]:
    return outcome.variant, outcome.result.value, outcome.replicas, outcome.detail


async def test_a_fleet_that_ends_refuses_plans(tmp_path: Path) -> None:
    async with running(fleet(tmp_path), tmp_path / "logs") as rig:
        await rig.to(1)
    (outcome,) = await rig.scale(part(0, 1))
    assert (outcome.result.value, outcome.detail) == ("refused", "the fleet is being stopped")
    assert rig.phases() == {}


async def test_replicas_see_their_own_gpus(tmp_path: Path) -> None:
    spec = fleet(
        tmp_path,
        command=f"{COMMAND} --environment CUDA_VISIBLE_DEVICES --say gpus={{gpus}}",
        variants=["{name: v, min: 0, max: 5, initial: 2, tensor_parallel: 2}"],
        nodes="[{accelerator: H100-80GB, gpus: 1, count: 1}, {accelerator: A100-80GB, gpus: 4, count: 1}]",
    )
    async with running(spec, tmp_path / "logs") as rig:
        await rig.until_phases(v_1="ready", v_2="ready")
        assert set((tmp_path / "environment").read_text().split()) == {"1,2", "3,4"}
        assert "gpus=1,2" in (tmp_path / "logs" / "v-1.log").read_text()
        state = await rig.body.state()
        assert [one.node for one in state.variants[0].replicas] == ["A100-80GB/1", "A100-80GB/1"]
        assert [pool.free_by_node for pool in state.inventory.pools] == [()]
        await rig.scale(replace(part(2, 1), victims=victims("v-1")))
        await rig.until_phases(v_2="ready")
        assert (await rig.body.state()).inventory.pools[0].free_by_node == (2,)


async def test_a_port_that_another_program_takes_meanwhile_is_left_to_it(tmp_path: Path) -> None:
    ports = free_neighbours(2)
    spec = fleet(
        tmp_path,
        command=f"{COMMAND} --before-listening {tmp_path}/go",
        variants=[ONE],
        replicas=f"ports: [{ports[0]}, {ports[1]}]",
    )
    async with running(spec, tmp_path / "logs") as rig:
        await until(lambda: rig.replica("v-1").port is not None)
        assert rig.replica("v-1").port == ports[0]
        with listening(ports[0]):
            (tmp_path / "go").touch()
            await rig.until_phases(v_1="ready")
            assert rig.replica("v-1").port == ports[1]
            assert rig.replica("v-1").failures == 0
            await rig.to(2)
            await until(lambda: rig.replica("v-2").failures == 2)
            assert f"no port from {ports[0]} to {ports[1]} is free" in str(rig.replica("v-2").reason)
