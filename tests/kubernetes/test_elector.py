"""Leadership by a Lease of the real API server."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.kubernetes.control_plane import ControlPlane
from tests.waiting import until
from wva.kubernetes.api.client import Api
from wva.kubernetes.api.resource import LEASES
from wva.kubernetes.election import Candidate, ElectionSettings
from wva.kubernetes.elector import LEASE, BootClock, Elector
from wva.record.problems import Problems

pytestmark = [pytest.mark.slow, pytest.mark.stops]

FAST = ElectionSettings(lease_s=3.0, renew_s=2.0, retry_s=0.3)
NAME = "wva"


def elector(api: Api, namespace: str, identity: str, problems: Problems | None = None) -> Elector:
    return Elector(api, namespace, NAME, Candidate(identity, FAST), BootClock(), problems or Problems())


@asynccontextmanager
async def standing(one: Elector) -> AsyncIterator[Elector]:
    task = asyncio.create_task(one.run())
    try:
        yield one
    finally:
        one.stop()
        await asyncio.wait_for(task, 20)


async def spec(api: Api, namespace: str) -> dict[str, object]:
    found: dict[str, object] = (await api.read(LEASES, namespace, NAME))["spec"]
    return found


async def test_one_leads_and_hands_over_at_once_when_it_stops(api: Api, namespace: str) -> None:
    first, second = elector(api, namespace, "a"), elector(api, namespace, "b")
    async with standing(first):
        await until(first.leads)
        async with standing(second):
            await asyncio.sleep(FAST.lease_s + 1)
            assert first.leads()
            assert not second.leads()
            assert second.holder == "a"
            first.stop()
            assert not first.leads()
            began = asyncio.get_running_loop().time()
            await second.until_leading()
            assert asyncio.get_running_loop().time() - began < FAST.lease_s / 2
            assert first.led_before is None
            assert second.led_before == pytest.approx(time.time(), abs=FAST.lease_s / 2)
    found = await spec(api, namespace)
    assert found["holderIdentity"] == ""
    assert found["leaseTransitions"] == 2


async def test_a_leader_that_dies_is_followed_after_the_lease(api: Api, namespace: str) -> None:
    first, second = elector(api, namespace, "a"), elector(api, namespace, "b")
    task = asyncio.create_task(first.run())
    await first.until_leading()
    async with standing(second):
        task.cancel()
        died = asyncio.get_running_loop().time()
        await first.until_lost()
        lost = asyncio.get_running_loop().time()
        assert not second.leads()
        await second.until_leading()
        assert second.led_before is not None
        assert FAST.lease_s - FAST.retry_s - 1.0 < time.time() - second.led_before < FAST.lease_s + 1.0
        # What it did last, it did before another could begin.
        assert lost - died <= FAST.renew_s + 0.3
        assert asyncio.get_running_loop().time() > lost


async def test_leading_ends_without_an_api_server_and_comes_back_with_it(
    api: Api, namespace: str, control_plane: ControlPlane
) -> None:
    problems = Problems()
    one = elector(api, namespace, "a", problems)
    async with standing(one):
        await one.until_leading()
        await control_plane.stop_api_server()
        await asyncio.wait_for(one.until_lost(), FAST.renew_s + 1.0)
        await until(lambda: LEASE in problems.now)
        await control_plane.start_api_server()
        await asyncio.wait_for(one.until_leading(), 20)
        await until(lambda: not problems.now)


async def test_a_lease_that_somebody_deletes_is_made_again_and_not_led_twice(api: Api, namespace: str) -> None:
    first, second = elector(api, namespace, "a"), elector(api, namespace, "b")
    async with standing(first), standing(second):
        await until(lambda: first.leads() or second.leads())
        await api.delete(LEASES, namespace, NAME)
        both = []
        for _ in range(100):
            both.append(first.leads() and second.leads())
            await asyncio.sleep(0.05)
        assert not any(both)
        await until(lambda: first.leads() or second.leads())


async def test_stopping_without_an_api_server_ends(api: Api, namespace: str, control_plane: ControlPlane) -> None:
    one = elector(api, namespace, "a")
    task = asyncio.create_task(one.run())
    await one.until_leading()
    await control_plane.stop_api_server()
    one.stop()
    await asyncio.wait_for(task, 20)
