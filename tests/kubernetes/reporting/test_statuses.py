"""Statuses on a real API server: written when something has changed, by one writer, and shown to people."""

import asyncio
import contextlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.control.virtual import VirtualClock, settle
from tests.kubernetes.accounts import service_account
from tests.kubernetes.reporting.cluster import Shown, declare, versions
from tests.kubernetes.test_crd import FEBRUARY, SPRING
from tests.kubernetes.waiting import until
from wva.kubernetes.api.client import Api, configuration
from wva.kubernetes.api.errors import INVALID, ApiError
from wva.kubernetes.api.resource import VARIANT_AUTOSCALINGS
from wva.kubernetes.conditions import Aspect, Because, Condition
from wva.kubernetes.objects.variant_autoscaling import VariantAutoscaling, variant_autoscaling
from wva.kubernetes.reporting.writer import STATUS
from wva.kubernetes.status import Report
from wva.record.problems import Problems

FOUND = Condition(Aspect.TARGET_RESOLVED, True, Because.TARGET_FOUND)
MEASURED = Condition(Aspect.METRICS_AVAILABLE, True, Because.METRICS_FOUND, "2 of 2")
WELL = Report(1, (FOUND, MEASURED), 2, 1, "H100", False, "d1", ("load 1.2", ""))


class Stage:
    """A writer over real objects, with a clock of its own."""

    def __init__(self, api: Api, namespace: str) -> None:
        self.api, self.namespace = api, namespace
        self.shown = Shown(api, namespace)
        self.clock, self.problems = VirtualClock(), Problems()
        self.leads = True
        self.writer = self.shown.writer(api, lambda: self.leads, self.clock, self.problems)

    async def say(self, *reports: tuple[str, Report]) -> float | None:
        self.writer.say({(self.namespace, name): report for name, report in reports})
        return await self.writer.write()

    async def status(self, name: str = "a") -> dict[str, object]:
        found: dict[str, object] = (await self.api.read(VARIANT_AUTOSCALINGS, self.namespace, name)).get("status") or {}
        return found


@pytest.fixture
async def stage(api: Api, namespace: str) -> Stage:
    await declare(api, namespace, "a", "b")
    found = Stage(api, namespace)
    await found.shown.read()
    return found


@pytest.mark.parametrize("text", [FEBRUARY, SPRING])
async def test_the_references_objects_are_stored(api: Api, namespace: str, text: str) -> None:
    await declare(api, namespace)
    body = yaml.safe_load(text)
    body["metadata"]["namespace"] = namespace
    stored = await api.create(VARIANT_AUTOSCALINGS, namespace, body)
    assert "status" not in stored, "it is a part of its own"
    assert "behavior" not in stored["spec"], "unknown fields are dropped"
    assert stored["spec"]["variantCost"] == body["spec"].get("variantCost", "10.0")
    for condition in body["status"].get("conditions", ()):
        condition["message"] = condition["message"] or "as the reference had it"
    changed = await api.patch(
        VARIANT_AUTOSCALINGS, namespace, body["metadata"]["name"], {"status": body["status"]}, "status"
    )
    assert changed["status"] == body["status"]
    found = variant_autoscaling(changed)
    assert isinstance(found, VariantAutoscaling)
    assert found.desired == body["status"]["desiredOptimizedAlloc"]["numReplicas"]


@pytest.mark.parametrize(
    "spec",
    [{"modelID": ""}, {"scaleTargetRef": {"kind": "Deployment"}}, {"variantCost": "-1"}, {"maxReplicas": 0}],
)
async def test_objects_that_mean_nothing_are_refused(api: Api, namespace: str, spec: dict[str, object]) -> None:
    with pytest.raises(ApiError) as caught:
        await declare(api, namespace, "a", **spec)
    assert caught.value.code == INVALID


async def test_what_is_said_is_shown(stage: Stage) -> None:
    assert await stage.say(("a", WELL)) is None
    status = await stage.status()
    assert status["desiredOptimizedAlloc"] == {
        "accelerator": "H100",
        "numReplicas": 2,
        "lastRunTime": "2027-01-15T08:00:00Z",
    }
    assert status["decision"] == {"id": "d1", "reasons": ["load 1.2"]}
    assert [(each["type"], each["status"], each["reason"]) for each in status["conditions"]] == [  # type: ignore[attr-defined]
        ("TargetResolved", "True", "TargetFound"),
        ("MetricsAvailable", "True", "MetricsFound"),
    ]
    assert await columns(stage) == ["a", "a", "m", "2", "True"]


async def columns(stage: Stage) -> list[str]:
    """What ``kubectl get`` prints of ``a``, but for its age."""
    client = stage.api._client
    assert client is not None
    response = await client.call_api(
        VARIANT_AUTOSCALINGS.path(stage.namespace),
        "GET",
        header_params={"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"},
        auth_settings=["BearerToken"],
        _preload_content=False,
    )
    table = yaml.safe_load(await response.read())
    names = [column["name"] for column in table["columnDefinitions"]]
    assert names == ["Name", "Target", "Model", "Optimized", "MetricsReady", "Age"]
    return [str(cell) for cell in table["rows"][0]["cells"]][:-1]


async def test_a_fleet_at_rest_is_silent(stage: Stage) -> None:
    """Figures in words and the decision's name are new in every turn."""
    await stage.say(("a", WELL), ("b", WELL))
    before = await versions(stage.api, stage.namespace)
    for number in range(40):
        await stage.clock.advance(15.0)
        measured = replace(MEASURED, message=f"{number} of {number}")
        said = replace(WELL, conditions=(FOUND, measured), decision=f"d{number}", reasons=(f"load {number}",))
        assert await stage.say(("a", said), ("b", replace(said, desired=None, applied=None, reasons=()))) is None
    assert await versions(stage.api, stage.namespace) == before
    assert stage.shown.writes == 2


async def test_the_last_word_is_written_after_the_pause(stage: Stage) -> None:
    running = asyncio.ensure_future(stage.writer.run())
    try:
        stage.writer.say({(stage.namespace, "a"): WELL})
        await until(lambda: wrote(stage, 1), "the first word is written")
        for desired in (3, 4, 5):
            await stage.clock.advance(1.0)
            stage.writer.say({(stage.namespace, "a"): replace(WELL, desired=desired)})
            await settle()
        assert stage.shown.writes == 1
        await stage.clock.advance(6.0)
        assert stage.shown.writes == 1
        await stage.clock.advance(2.0)
        await until(lambda: wrote(stage, 2), "the last word is written")
        assert stage.shown.status("a")["desiredOptimizedAlloc"]["numReplicas"] == 5
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def wrote(stage: Stage, count: int) -> bool:
    return stage.shown.writes == count


async def test_of_two_writers_one_is_refused_and_compares_anew(stage: Stage) -> None:
    other = Stage(stage.api, stage.namespace)
    await other.shown.read()
    foreign = {
        "type": "Paid",
        "status": "True",
        "reason": "R",
        "message": "m",
        "lastTransitionTime": "2027-01-15T08:00:00Z",
    }
    await stage.api.patch(VARIANT_AUTOSCALINGS, stage.namespace, "a", {"status": {"conditions": [foreign]}}, "status")
    assert await other.say(("a", WELL)) is not None, "it waits, as it knows an older object"
    assert (await stage.status())["conditions"] == [foreign]
    assert other.problems.now == {}, "which is no problem"
    await other.shown.read()
    await other.clock.advance(10.0)
    assert await other.writer.write() is None
    types = [each["type"] for each in (await stage.status())["conditions"]]  # type: ignore[attr-defined]
    assert types == ["TargetResolved", "MetricsAvailable", "Paid"]


async def test_who_does_not_lead_writes_nothing(stage: Stage) -> None:
    before = await versions(stage.api, stage.namespace)
    stage.leads = False
    await stage.say(("a", WELL))
    assert await versions(stage.api, stage.namespace) == before
    stage.leads = True
    assert await stage.say(("a", WELL)) is None
    assert await versions(stage.api, stage.namespace) != before


async def test_who_may_not_write_tries_little(api: Api, kubeconfig: Path, namespace: str, tmp_path: Path) -> None:
    names = [f"v{number}" for number in range(30)]
    await declare(api, namespace, *names)
    account = await service_account(api, kubeconfig, tmp_path, namespace, "reader", [])
    asked = 0

    def leads() -> bool:
        nonlocal asked
        asked += 1
        return True

    async with Api(await configuration(account.kubeconfig)) as limited:
        stage = Stage(limited, namespace)
        stage.shown.api = api
        await stage.shown.read()
        stage.writer = stage.shown.writer(limited, leads, stage.clock, stage.problems)
        assert await stage.say(*((name, WELL) for name in names)) == 1.0
    assert "forbidden" in stage.problems.now[STATUS]
    assert asked <= 8


class Refusing(Api):
    """An API server that takes no object as it is by now, as where a stricter definition came over it."""

    def __init__(self) -> None:
        self.asked = 0

    async def patch(self, *_: Any, **__: Any) -> Any:
        self.asked += 1
        raise ApiError("spec.modelID: must be at least 1 characters long", INVALID)


async def test_an_object_that_is_not_taken_is_tried_once_until_it_changes(stage: Stage) -> None:
    refusing = Refusing()
    stage.writer = stage.shown.writer(refusing, lambda: True, stage.clock, stage.problems)
    for desired in (2, 3):
        assert (await stage.say(("a", replace(WELL, desired=desired))) is None) is (desired == 3)
        await stage.clock.advance(15.0)
    assert refusing.asked == 1
    assert "spec.modelID" in stage.problems.now[STATUS]
    await stage.api.patch(VARIANT_AUTOSCALINGS, stage.namespace, "a", {"spec": {"modelID": "other"}})
    await stage.shown.read()
    await stage.say(("a", WELL))
    assert refusing.asked == 2


async def test_an_object_that_is_gone_is_no_problem(stage: Stage) -> None:
    await stage.api.delete(VARIANT_AUTOSCALINGS, stage.namespace, "a")
    assert await stage.say(("a", WELL), ("b", WELL)) is None
    assert stage.problems.now == {}
    assert (await stage.status("b"))["currentReplicas"] == 1
