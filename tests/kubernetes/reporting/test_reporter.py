"""Turns told to a real API server: each object says how it is, nothing is said twice, and a restart says nothing."""

from typing import Any

import pytest

from tests.control.virtual import VirtualClock
from tests.kubernetes import bodies
from tests.kubernetes.reporting.cluster import Shown, declare, versions
from tests.kubernetes.reporting.scene import HOME, IDLE, custom, picture, serving, turn
from wva.fleet.tick import TickResult
from wva.kubernetes.api.client import Api
from wva.kubernetes.api.resource import CONFIG_MAPS, EVENTS
from wva.kubernetes.configuration.parse import SATURATION, accept
from wva.kubernetes.objects.config_map import config_map
from wva.kubernetes.orders import ACT
from wva.kubernetes.picture import Picture
from wva.kubernetes.reporting.doubts import PATIENCE_S
from wva.kubernetes.reporting.ledger import Ledger
from wva.kubernetes.reporting.poster import EventPoster
from wva.kubernetes.reporting.reporter import Reporter
from wva.kubernetes.scope import Scope
from wva.record.problems import Problems

INTERVAL_S = 15.0


class Stage:
    """A reporter with all that it talks through, over a variant with an object of ours and one with an HPA."""

    def __init__(self, api: Api, namespace: str) -> None:
        self.api, self.namespace = api, namespace
        self.clock, self.problems, self.shown = VirtualClock(), Problems(), Shown(api, namespace)

    async def begin(self) -> None:
        """Begin to lead."""
        await self.shown.read()

        def leads() -> bool:
            return True

        scope = Scope(self.namespace, HOME.instance)
        self.statuses = self.shown.writer(self.api, leads, self.clock, self.problems)
        self.ledger = Ledger(self.api, scope, leads, self.clock, self.problems)
        self.poster = EventPoster(self.api, leads, self.clock, self.problems, "wva-0")
        self.reporter = Reporter(self.statuses, self.ledger, self.poster, self.clock, await self.ledger.read())

    def picture(self, replicas: int = 2) -> Picture:
        place: dict[str, Any] = {"namespace": self.namespace}
        hpa = bodies.hpa("mine", "mine", annotations=bodies.managed("m", **{ACT: "gauge"}), **place)
        pods = [bodies.pod(f"{name}-{at}", **place) for name in ("llama", "mine") for at in range(replicas)]
        deployments = [serving(name, replicas, **place) for name in ("llama", "mine")]
        return picture(custom(**place), hpa, *deployments, *pods)

    async def tell(self, found: Picture, **more: Any) -> None:
        """A turn, with new figures in its words."""
        await self.clock.advance(INTERVAL_S)
        self.reporter.turned(turn(found, number=int(self.clock.now), **more).tick, found, {}, IDLE)
        await self.reporter.tell()
        await self.statuses.write()
        await self.ledger.write()
        await self.poster.flush()
        assert self.problems.now == {}

    async def state(self) -> dict[str, str]:
        """The versions of all that is written."""
        found = await versions(self.api, self.namespace)
        for kind in (CONFIG_MAPS, EVENTS):
            for each in await self.api.list(kind, self.namespace):
                found[f"{kind.plural}/{each['metadata']['name']}"] = each["metadata"]["resourceVersion"]
        return found

    async def events(self) -> list[tuple[str, str, str]]:
        found = await self.api.list(EVENTS, self.namespace)
        return sorted(
            (each["involvedObject"]["kind"], each["involvedObject"]["name"], each["reason"])
            for each in found
            if each["source"].get("component") == "workload-variant-autoscaler"
        )

    def said_of_hpa(self) -> dict[str, Any]:
        key = ("HorizontalPodAutoscaler", self.namespace, "mine")
        return dict(self.reporter._told.in_ledger[key])


@pytest.fixture
async def stage(api: Api, namespace: str) -> Stage:
    await declare(api, namespace, "llama")
    found = Stage(api, namespace)
    await found.begin()
    return found


async def test_a_fleet_at_rest_and_a_restart_are_silent(stage: Stage) -> None:
    found = stage.picture()
    assert {each.source.value for each in found.found} == {"VariantAutoscaling", "HorizontalPodAutoscaler"}
    await stage.tell(found)
    before = await stage.state()
    assert {"llama", "configmaps/wva-state"} <= before.keys()
    for number in range(20):
        await stage.tell(found, unmeasured=[f"{stage.namespace}/llama-{number % 2}"])
    await stage.begin()
    for _ in range(3):
        await stage.tell(found)
    assert await stage.state() == before
    assert await stage.events() == []


async def test_a_change_is_told_everywhere_once(stage: Stage) -> None:
    found = stage.picture()
    await stage.tell(found)
    for _ in range(3):
        await stage.tell(found, target=3)
    status = stage.shown.status("llama")
    assert status["desiredOptimizedAlloc"]["numReplicas"] == 3
    assert status["decision"]["id"] == "plan-30"
    assert stage.said_of_hpa()["desiredOptimizedAlloc"]["numReplicas"] == 3
    kept = await stage.ledger.read()
    assert kept.said["HorizontalPodAutoscaler", stage.namespace, "mine"] == stage.said_of_hpa()
    assert await stage.events() == [
        ("HorizontalPodAutoscaler", "mine", "ScaledUp"),
        ("VariantAutoscaling", "llama", "ScaledUp"),
    ]


async def test_a_moment_without_figures_is_nothing_to_tell(stage: Stage) -> None:
    found = stage.picture()
    await stage.tell(found)
    before = await stage.state()
    lost = {"age_s": None, "code": "blind", "publish": None}
    await stage.tell(found, **lost)
    await stage.tell(found, target=None, result=TickResult.NO_DECISION)
    await stage.tell(found)
    assert await stage.state() == before
    for _ in range(int(PATIENCE_S / INTERVAL_S) + 1):
        await stage.tell(found, **lost)
    status = stage.shown.status("llama")
    assert {each["type"]: each["reason"] for each in status["conditions"] if each["status"] == "False"} == {
        "MetricsAvailable": "MetricsMissing",
        "OptimizationReady": "MetricsUnavailable",
        "ActuationLimited": "NotLimited",
        "Conflict": "NoConflict",
    }
    assert status["desiredOptimizedAlloc"]["numReplicas"] == 2, "never 0 for unknown"
    assert ("VariantAutoscaling", "llama", "MetricsUnavailable") in await stage.events()


async def test_a_config_map_that_is_refused_is_told_there(stage: Stage) -> None:
    metadata = bodies.metadata(SATURATION, namespace=stage.namespace, resourceVersion="1")
    good = accept(None, config_map({"metadata": metadata, "data": {"default": "priority: 2"}}))
    bad = accept(
        good, config_map({"metadata": {**metadata, "resourceVersion": "2"}, "data": {"default": "priority: x"}})
    )
    for maps in (good, bad, bad):
        stage.reporter.configured({maps.meta.key: maps})
    await stage.poster.flush()
    assert await stage.events() == [("ConfigMap", SATURATION, "InvalidConfiguration")]


async def test_of_turns_that_come_too_fast_the_newest_is_told(stage: Stage) -> None:
    found = stage.picture()
    for target in (1, 2, 3):
        stage.reporter.turned(turn(found, target=target).tick, found, {}, IDLE)
    await stage.reporter.tell()
    await stage.reporter.tell()
    await stage.statuses.write()
    assert stage.shown.writes == 1
    status = stage.shown.status("llama")
    assert status["desiredOptimizedAlloc"]["numReplicas"] == 3
