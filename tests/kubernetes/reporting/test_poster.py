"""Events on a real API server: as ``kubectl describe`` shows them, repeated ones counted, never waited for."""

from typing import Any

import pytest

from tests.control.virtual import VirtualClock
from tests.kubernetes.bodies import NOW_S
from wva.kubernetes.api.client import Api
from wva.kubernetes.api.resource import CONFIG_MAPS, EVENTS
from wva.kubernetes.objects.meta import meta
from wva.kubernetes.reporting.events import Event, Happening
from wva.kubernetes.reporting.poster import POSTER, EventPoster, Regarding
from wva.record.problems import Problems

UP = Event(Happening.SCALED_UP, "desired replicas 1 -> 3: load 1.2", "1 -> 3")
LOST = Event(Happening.TARGET_NOT_FOUND, "Deployment/team/a is not there")


class Stage:
    """A poster with a clock of its own, and an object to talk of."""

    def __init__(self, api: Api, namespace: str, about: Regarding) -> None:
        self.api, self.namespace, self.about = api, namespace, about
        self.clock, self.problems = VirtualClock(), Problems()
        self.clock.offset = NOW_S
        self.leads = True
        self.poster = EventPoster(api, lambda: self.leads, self.clock, self.problems, "wva-0")

    async def post(self, *events: Event) -> list[dict[str, Any]]:
        """All events of the object after these."""
        self.poster.post(self.about, events)
        await self.poster.flush()
        found = await self.api.list(EVENTS, self.namespace)
        own = [each for each in found if each["involvedObject"].get("uid") == self.about.meta.uid]
        return sorted(own, key=lambda each: (each["firstTimestamp"], each["reason"]))


@pytest.fixture
async def stage(api: Api, namespace: str) -> Stage:
    body = await api.create(CONFIG_MAPS, namespace, {"metadata": {"name": "a"}})
    return Stage(api, namespace, Regarding("v1", "ConfigMap", meta(body)))


async def test_an_event_as_people_see_it(stage: Stage) -> None:
    (event,) = await stage.post(UP)
    about = stage.about.meta
    expected = {"apiVersion": "v1", "kind": "ConfigMap", "namespace": about.namespace, "name": "a", "uid": about.uid}
    assert event["involvedObject"] == expected
    assert (event["type"], event["reason"], event["message"]) == ("Normal", "ScaledUp", UP.message)
    assert (event["count"], event["source"]) == (1, {"component": "workload-variant-autoscaler"})
    assert (event["reportingComponent"], event["reportingInstance"]) == ("workload-variant-autoscaler", "wva-0")
    assert event["firstTimestamp"] == event["lastTimestamp"] == "2026-02-19T10:00:00Z"
    (_, warning) = await stage.post(LOST)
    assert (warning["type"], warning["reason"]) == ("Warning", "TargetNotFound")


async def test_the_same_again_is_counted(stage: Stage) -> None:
    await stage.post(LOST)
    await stage.clock.advance(60.0)
    (event,) = await stage.post(Event(LOST.reason, "in other words"))
    assert (event["count"], event["message"]) == (2, "in other words")
    assert (event["firstTimestamp"], event["lastTimestamp"]) == ("2026-02-19T10:00:00Z", "2026-02-19T10:01:00Z")
    await stage.clock.advance(601.0)
    assert [each["count"] for each in await stage.post(LOST)] == [2, 1]


async def test_two_changes_of_a_count_are_two(stage: Stage) -> None:
    assert len(await stage.post(UP, Event(Happening.SCALED_UP, "desired replicas 3 -> 4: load 1.5", "3 -> 4"))) == 2
    again = await stage.post(Event(Happening.SCALED_UP, "desired replicas 1 -> 3: load 1.3", "1 -> 3"))
    assert sorted(each["count"] for each in again) == [1, 2], "back and forth is counted"


async def test_one_that_has_expired_is_posted_anew(stage: Stage) -> None:
    (event,) = await stage.post(LOST)
    await stage.api.delete(EVENTS, stage.namespace, event["metadata"]["name"])
    (event,) = await stage.post(LOST)
    assert event["count"] == 1


async def test_long_words_and_names(api: Api, namespace: str) -> None:
    body = await api.create(CONFIG_MAPS, namespace, {"metadata": {"name": "a" * 253}})
    stage = Stage(api, namespace, Regarding("v1", "ConfigMap", meta(body)))
    (event,) = await stage.post(Event(Happening.CONFLICT, "x" * 5000))
    assert len(event["message"]) == 1024
    assert stage.problems.now == {}


async def test_who_does_not_lead_posts_nothing(stage: Stage) -> None:
    stage.leads = False
    assert await stage.post(UP) == []
    stage.leads = True
    assert await stage.post() == [], "and not later either"


async def test_what_is_refused_is_told_and_lost(stage: Stage) -> None:
    elsewhere = Regarding("v1", "ConfigMap", meta({"metadata": {"name": "a", "namespace": "no-such", "uid": "x"}}))
    stage.poster.post(elsewhere, [UP])
    (event,) = await stage.post(LOST)
    assert event["reason"] == "TargetNotFound"
    assert "no-such" in stage.problems.now[POSTER]
    await stage.post(LOST)
    assert stage.problems.now == {}


async def test_no_more_wait_than_are_of_use(stage: Stage) -> None:
    for number in range(2000):
        stage.poster.post(stage.about, [Event(Happening.SCALED_UP, f"desired replicas 1 -> {number}")])
    assert len(stage.poster._waiting) == 1024
