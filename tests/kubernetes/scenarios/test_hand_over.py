"""Two controllers: one leads, and whatever becomes of it the other goes on where it was."""

import signal
import time
from contextlib import suppress
from itertools import pairwise

import pytest

from tests.kubernetes.fleet_kit import DESIRED
from tests.kubernetes.rights import recorded
from tests.kubernetes.scenarios.leading import (
    LEASE_S,
    QUICK,
    declared,
    holder,
    pinned,
    until_holds,
    until_logged,
    until_shown,
    writes,
)
from tests.kubernetes.scenarios.scrapes import Scrapes, scraped
from tests.kubernetes.scenarios.stage import Stage
from tests.kubernetes.waiting import until
from wva.kubernetes.api.resource import CONFIG_MAPS

pytestmark = pytest.mark.slow
UNTIL_OWN_TURNS = 45
"""By which a leader has decided on what it saw itself: it takes half a minute."""


async def test_one_that_is_told_to_end_hands_over_at_once(stage: Stage) -> None:
    async with declared(stage, 2), stage.controller(**QUICK) as first:
        await stage.counts("llama", 2)
        await until_holds(stage, "wva-1")
        async with stage.controller(**QUICK) as second, scraped("llama", {"first": first, "second": second}) as seen:
            assert await second.desired("llama") is None, "only the leader has it, and the other is ready all the same"
            await until_seen(seen, "first")
            first.send(signal.SIGTERM)
            told_at = time.monotonic()
            assert await first.ended() == 0
            ended_s = time.monotonic() - told_at
            await until_holds(stage, "wva-2")
            took_s = time.monotonic() - told_at
            await until_seen(seen, "second")
            print(f"ended {ended_s:.2f} s, led {took_s:.2f} s, said {time.monotonic() - told_at:.2f} s later")
            assert took_s < ended_s + 2.0
            await pinned(stage, "llama", 3)
            await stage.counts("llama", 3)
    assert seen.of("first")
    assert seen.overlaps("first", "second") == []
    assert {each.count for each in seen.seen} <= {"2.0", "3.0"}
    assert await holder(stage) == "", "the last one has let go of it"


async def test_one_that_is_killed_is_followed_within_the_lease(stage: Stage) -> None:
    async with declared(stage, 2), stage.controller(**QUICK) as first:
        await stage.counts("llama", 2)
        await until_holds(stage, "wva-1")
        async with stage.controller(**QUICK) as second, scraped("llama", {"first": first, "second": second}) as seen:
            await until_seen(seen, "first")
            first.send(signal.SIGKILL)
            killed_at = time.monotonic()
            await until_holds(stage, "wva-2")
            took_s = time.monotonic() - killed_at
            await until_seen(seen, "second")
            print(f"led after {took_s:.2f} s, said after {time.monotonic() - killed_at:.2f} s")
            assert took_s < LEASE_S + 3.0
    assert seen.overlaps("first", "second") == []
    assert {each.count for each in seen.seen} == {"2.0"}


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_the_next_one_says_the_counts_that_hold_before_it_knows_the_load(
    stage: Stage, how: signal.Signals
) -> None:
    async with declared(stage, None), stage.controller(**QUICK, WVA_ACT="gauge") as first:
        await until_shown(first, DESIRED)
        await until(lambda: _state(stage, '"published"'), "the count is stored")
        async with stage.controller(**QUICK, WVA_ACT="gauge") as second:
            first.send(how)
            await until_holds(stage, "wva-2")
            led_at = time.monotonic()
            await until_shown(second, DESIRED)
            said_s = time.monotonic() - led_at
            async with scraped("llama", {"second": second}) as seen:
                await second.turns(UNTIL_OWN_TURNS)
    gaps = [after.received_at - before.received_at for before, after in pairwise(seen.seen)]
    print(f"said {said_s:.2f} s after it led, then every {max(gaps):.2f} s at least")
    assert said_s < 4.0
    assert max(gaps) < 2.0, "silent in between"
    assert {each.count for each in seen.seen} == {"1.0"}


async def test_one_that_slept_through_its_lease_writes_and_says_nothing(stage: Stage) -> None:
    sleeper = await stage.account("sleeper")
    async with (
        declared(stage, 2),
        recorded(sleeper.kubeconfig, stage.directory) as recording,
        stage.controller(recording.kubeconfig, **QUICK) as first,
    ):
        await stage.counts("llama", 2)
        await until_holds(stage, "wva-1")
        async with stage.controller(**QUICK) as second:
            # What it would do next, had it not been stopped.
            first.send(signal.SIGSTOP)
            await pinned(stage, "llama", 3)
            await until_holds(stage, "wva-2")
            await stage.counts("llama", 3)
            async with scraped("llama", {"first": first, "second": second}) as seen:
                before = len(recording.uses)
                first.send(signal.SIGCONT)
                await until_logged(first, "lost the lead")
                await pinned(stage, "llama", 4)
                await stage.counts("llama", 4)
            made = [use for use in writes(recording.uses[before:]) if use.resource != "leases"]
            assert made == []
            assert seen.of("first") == []
            assert (await holder(stage)).startswith("wva-2_")
            assert (await stage.condition("llama", "Conflict"))["status"] == "False"


async def test_a_killed_one_is_taken_up_by_the_next_without_taking_its_counts_for_anothers(stage: Stage) -> None:
    async with declared(stage, 2), stage.controller(**QUICK) as first:
        await stage.counts("llama", 2)
        await until(lambda: _state(stage, '"written":2'), "the state is stored")
        await pinned(stage, "llama", 3)
        await stage.counts("llama", 3)
        first.send(signal.SIGKILL)
        await first.ended()
        assert await _state(stage, '"written":2'), "it ended before it took note"
    async with stage.controller(**QUICK):
        await pinned(stage, "llama", 4)
        await stage.counts("llama", 4)
        found = await stage.condition("llama", "Conflict")
        assert found["status"] == "False", found


async def test_another_versions_state_is_passed_over(stage: Stage) -> None:
    document = '{"version":99,"truces":{"x":{"unheard":"of"}}}'
    body = {"metadata": {"name": "wva-state"}, "data": {stage.namespace: document, "z": "no JSON"}}
    await stage.api.create(CONFIG_MAPS, stage.namespace, body)
    async with declared(stage, 2), stage.controller(**QUICK) as controller:
        await stage.counts("llama", 2)
        assert "is of version 99, and 1 is read here; and 1 more" in controller.log.read_text()
        await until(lambda: _state(stage, '"version":1'), "the state is stored")
    assert "failed" not in controller.log.read_text()


async def until_seen(seen: Scrapes, controller: str) -> None:
    """Wait until a follower has got the count from a controller."""

    async def looked() -> bool:
        return bool(seen.of(controller))

    await until(looked, f"{controller} says a count", 90.0)


async def _state(stage: Stage, text: str) -> bool:
    with suppress(Exception):
        found = await stage.api.read(CONFIG_MAPS, stage.namespace, "wva-state")
        return any(text in each for each in (found.get("data") or {}).values())
    return False
