"""The parts of a live fleet that are arithmetic: time, delays, ports, GPUs, command templates."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.local.sockets import free_neighbours, listening
from tests.simulate.fleets import variant
from wva.fleet.variant import Variant
from wva.local.command import fill, find_program, launch, placeholders
from wva.local.devices import Devices, Placement
from wva.local.ports import NoPortError, Ports
from wva.local.race import race
from wva.local.schema import LocalNodesSpec, Probe, ReplicasSpec, Server
from wva.local.timing import Timing

SPEC = ReplicasSpec(environment={})


@pytest.mark.parametrize(
    ("failures", "delay_s"), [(0, 0), (1, 0), (2, 10), (3, 20), (4, 40), (5, 80), (6, 160), (7, 300), (10_000, 300)]
)
def test_restarts_wait_twice_as_long_each_time(failures: int, delay_s: float) -> None:
    assert Timing.of(SPEC, 1.0).restart_delay_s(failures) == delay_s


@pytest.mark.parametrize(
    ("speed", "grace_s", "hung_s", "delay_s"),
    [
        pytest.param(1, 30, 120, 10, id="as the file says"),
        pytest.param(5, 30, 120, 10, id="6 s, 24 s and 2 s on the wall"),
        pytest.param(20, 100, 200, 20, id="no less than 5 s, 10 s and 1 s on the wall"),
    ],
)
def test_a_speed_leaves_processes_the_time_that_they_need(
    speed: float, grace_s: float, hung_s: float, delay_s: float
) -> None:
    timing = Timing.of(SPEC, speed)
    assert (timing.stop_grace_s, timing.hung_after_s, timing.restart_delay_s(2)) == (grace_s, hung_s, delay_s)


def test_a_short_wait_that_the_file_asks_for_is_kept() -> None:
    assert Timing.of(SPEC.model_copy(update={"stop_grace": 1.0}), 1.0).stop_grace_s == 1.0
    assert Timing.of(SPEC.model_copy(update={"stop_grace": 1.0}), 20.0).stop_grace_s == 20.0, "a second on the wall"


def test_ports_are_given_out_once_and_taken_ones_passed_over() -> None:
    first, second, third = free_neighbours(3)
    ports = Ports("127.0.0.1", (first, third))
    with listening(second):
        assert [ports.take(), ports.take()] == [first, third]
        with pytest.raises(NoPortError, match=f"no port from {first} to {third} is free"):
            ports.take()
        ports.give_back(first)
        assert ports.take() == first
    assert ports.take() == second


def test_a_port_just_given_back_comes_last() -> None:
    first, _, third = free_neighbours(3)
    ports = Ports("127.0.0.1", (first, third))
    ports.give_back(ports.take())
    assert ports.take() == first + 1


def test_without_a_range_the_system_gives_ports() -> None:
    ports = Ports("127.0.0.1")
    taken = [ports.take() for _ in range(20)]
    assert len(set(taken)) == 20
    assert all(map(ports.is_free, taken))
    with listening(taken[0]):
        assert not ports.is_free(taken[0])


def test_a_host_that_is_not_here_has_no_ports() -> None:
    with pytest.raises(NoPortError, match=r"the system gives no port on 203\.0\.113\.1"):
        Ports("203.0.113.1").take()


def nodes(accelerator: str, gpus: int, count: int, devices: tuple[int | str, ...] | None = None) -> LocalNodesSpec:
    return LocalNodesSpec(accelerator=accelerator, gpus=gpus, count=count, devices=devices)


def test_gpus_are_numbered_through_the_file_and_come_back() -> None:
    devices = Devices([nodes("a", 2, 2), nodes("b", 1, 1), nodes("a", 2, 1, ("x", "y"))])
    one, two = variant("one", accelerator="a"), variant("two", accelerator="a", gpus=2)
    taken = [devices.take(one), devices.take(two), devices.take(one), devices.take(two), devices.take(one)]
    assert [place and (devices.name(one, place), place.gpus) for place in taken] == [
        ("a/1", ("0",)),
        ("a/2", ("2", "3")),
        ("a/1", ("1",)),
        ("a/3", ("x", "y")),
        None,
    ]
    other = devices.take(variant("b", accelerator="b"))
    assert other is not None
    assert other.gpus == ("4",)
    for place in (taken[2], taken[0]):
        assert place is not None
        devices.give_back(one, place)
    again = devices.take(two)
    assert again is not None
    assert again.gpus == ("0", "1"), "in their order, whichever came back first"


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5)), max_size=40))
def test_no_gpu_is_given_to_two_replicas(moves: list[tuple[int, int]]) -> None:
    devices = Devices([nodes("a", 4, 2), nodes("a", 3, 1)])
    held: list[tuple[Variant, Placement]] = []
    for kind, place in moves:
        if kind == 0 and held:
            devices.give_back(*held.pop(place % len(held)))
        wanted = variant(accelerator="a", gpus=max(kind, 1))
        taken = devices.take(wanted) if kind else None
        if taken is not None:
            held.append((wanted, taken))
        gpus = [gpu for _, placement in held for gpu in placement.gpus or ()]
        assert len(gpus) == len(set(gpus))
        free = sum(devices.inventory(["a"]).pools[0].free_by_node or ())
        assert free + len(gpus) == 11
        assert all(len(placement.gpus or ()) == one.gpus_per_replica for one, placement in held)


def test_without_nodes_there_is_no_limit_and_no_name() -> None:
    devices = Devices(None)
    places = [devices.take(variant(gpus=8)) for _ in range(100)]
    assert {place and place.gpus for place in places} == {None}
    assert devices.inventory(["gpu"]).pools == ()


@pytest.mark.parametrize(
    ("template", "filled"),
    [("plain", "plain"), ("{a}", "1"), ("--x={a},{b}", "--x=1,{c}"), ('{{"a": {a}}}', '{"a": 1}'), ("", "")],
)
def test_templates_are_filled(template: str, filled: str) -> None:
    assert fill(template, {"a": "1", "b": "{c}"}) == filled


@pytest.mark.parametrize("template", ["{c}", "{}", "{0}", "{a.b}", "{a[0]}", "{a:>4}", "{a!r}", "{a", "a}"])
def test_templates_take_nothing_else(template: str) -> None:
    with pytest.raises(ValueError, match=r"write \{\{ and \}\} for braces"):
        fill(template, {"a": "1"})


def test_a_command_is_filled_word_by_word() -> None:
    server = Server(("run", "--name", "{name}"), {"X": "{port}"}, Path("d"), "/health", Probe.COMPLETIONS)
    started = launch(server, {"name": "two words", "port": "1"}, ("2", "3"))
    assert started.arguments == ("run", "--name", "two words")
    assert started.environment == {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": "2,3", "X": "1"}
    assert "CUDA_VISIBLE_DEVICES" not in launch(server, {"name": "n", "port": "1"}, None).environment
    assert placeholders(server) == {"name", "port"}


def test_a_program_is_found_on_the_path_that_the_command_has(tmp_path: Path) -> None:
    program = tmp_path / "serve"
    program.write_text("#!/bin/sh\n")
    found = launch(Server(("serve",), {"PATH": str(tmp_path)}, None, "/health", Probe.COMPLETIONS), {}, None)
    assert find_program(found) is None, "it cannot be run"
    program.chmod(0o755)
    assert find_program(found) == str(program)


async def test_a_race_ends_with_the_first_and_leaves_nobody_running() -> None:
    left: list[str] = []

    async def slow(name: str) -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            left.append(name)
            raise
        return name

    async def quick() -> str:
        return "quick"

    assert await race(slow("a"), quick(), slow("b")) == "quick"
    assert left == ["a", "b"]
    task = asyncio.ensure_future(race(slow("c"), slow("d")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert left == ["a", "b", "c", "d"]
