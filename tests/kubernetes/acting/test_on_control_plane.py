"""Counts and drains on a real control plane: who is stopped, who is served, and who may do it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.kubernetes.acting.stage import NAME, Place, Stage, controller, deployed, place, ready_since
from tests.kubernetes.apply import apply
from tests.kubernetes.fleet_kit import hpa
from tests.kubernetes.waiting import until
from wva.fleet.outcome import Result
from wva.kubernetes.api.client import Api
from wva.kubernetes.api.resource import DEPLOYMENTS, VARIANT_AUTOSCALINGS
from wva.kubernetes.manifests.rights import Where, rights

pytestmark = pytest.mark.slow


@pytest.fixture
async def where(api: Api, kubeconfig: Path, tmp_path: Path, namespace: str) -> Place:
    """A namespace with a controller's account."""
    return await place(api, kubeconfig, tmp_path, namespace)


@asynccontextmanager
async def stage(where: Place, replicas: int, *, gated: bool = False) -> AsyncIterator[Stage]:
    """A variant and its controller."""
    async with deployed(where, replicas, gated=gated), controller(where) as found:
        yield found


async def test_with_a_gate_just_the_drained_pods_are_stopped(where: Place) -> None:
    async with stage(where, 5, gated=True) as found:
        names = sorted(await found.until_pods(5, ready=5))
        first, second = names[1], names[3]
        found.busy = set(names)
        outcome = await found.plan(3, victims=[first, second])
        assert (outcome.result, outcome.replicas) == (Result.APPLIED, 3)
        await found.until_served(NAME, set(names) - {first, second})
        assert await found.count() == 5
        # Before deletion costs, nobody can tell which of two that are not ready is taken.
        found.busy -= {first}
        await found.looked()
        assert await found.count() == 5
        found.busy -= {second}
        await until(lambda: _are(found, set(names) - {first, second}), "both are stopped")
        assert await found.count() == 3
        left = await found.pods()
        latest = max(ready_since(pod) for pod in left.values())
        least = min(name for name, pod in left.items() if ready_since(pod) == latest)
        found.busy -= {least}
        await found.plan(2)
        await until(lambda: _are(found, set(left) - {least}), "the one that is missed least is stopped")
        assert "drains" not in found.problems.now


async def test_by_label_a_pod_leaves_the_service_stays_and_comes_back_as_it_was(where: Place) -> None:
    async with stage(where, 3) as found:
        before = await found.until_pods(3, ready=3)
        await found.until_served(NAME, set(before))
        found.busy = set(before)
        await found.plan(2)
        drained = await until(lambda: _drained(found), "one drains")
        await found.until_served(NAME, set(before) - drained)
        assert set(await found.pods()) == set(before)
        assert (await found.plan(3)).result is Result.APPLIED
        await found.until_served(NAME, set(before))
        after = await found.pods()
        assert {name: _bears(after[name]) for name in after} == {name: _bears(before[name]) for name in before}


async def test_a_controller_that_begins_anew_goes_on_with_drains(where: Place) -> None:
    async with deployed(where, 2, gated=True):
        async with controller(where) as first:
            names = set(await first.until_pods(2, ready=2))
            first.busy = set(names)
            await first.plan(1, victims=[min(names)])
        async with controller(where) as second:
            # What it was for, nobody knows before a decision.
            await second.plan(1)
            await until(lambda: _are(second, {max(names)}), "the drained one is stopped")


async def test_another_ones_count_stays(where: Place) -> None:
    async def by_hand() -> None:
        await where.api.patch(DEPLOYMENTS, where.namespace, NAME, {"spec": {"replicas": 5}})

    async with stage(where, 2) as found:
        await found.until_pods(2, ready=2)
        assert (await found.plan(3)).result is Result.APPLIED
        await found.until_pods(3, ready=3)
        outcome = await found.plan(4, between=by_hand)
        assert outcome.result is Result.CONFLICT
        assert outcome.detail == f"Deployment {where.namespace}/{NAME} has a count of 5, not of 3"
        await found.until_pods(5, ready=5)
        outcome = await found.plan(4)
        assert outcome.result is Result.CONFLICT
        assert "somebody else set the count to 5" in (outcome.detail or "")
        assert await found.count() == 5


async def test_it_says_which_right_is_missing(api: Api, kubeconfig: Path, tmp_path: Path, namespace: str) -> None:
    seeing = [right.rule() for right in rights("wva") if right.where is Where.FLEET and "patch" not in right.verbs]
    reading = {"apiGroups": ["apps"], "resources": ["deployments/scale"], "verbs": ["get"]}
    where = await place(api, kubeconfig, tmp_path, namespace, [*seeing, reading])
    async with stage(where, 1) as found:
        await found.until_pods(1, ready=1)
        outcome = await found.plan(2)
        assert outcome.result is Result.REFUSED
        assert 'cannot patch resource "deployments/scale" in API group "apps"' in (outcome.detail or "")
        assert await found.count() == 1


async def test_who_leads_no_longer_writes_nothing(where: Place) -> None:
    leading = [True]

    async def deposed() -> None:
        leading.clear()

    async with deployed(where, 1), controller(where, lambda: bool(leading)) as found:
        await found.until_pods(1, ready=1)
        outcome = await found.plan(2, between=deposed)
        assert outcome.result is Result.REFUSED
        assert "another process leads" in (outcome.detail or "")
        assert await found.count() == 1


async def test_wva_wakes_what_an_hpa_follows(where: Place) -> None:
    async with stage(where, 0) as found:
        await apply(where.api, where.namespace, hpa(where.namespace, NAME, NAME))
        orders = {"metadata": {"annotations": {"wva.llmd.ai/act": "gauge"}}}
        await where.api.patch(VARIANT_AUTOSCALINGS, where.namespace, NAME, orders)
        await until(lambda: _owned_by(found, "hpa"), "the HPA is found to follow")
        outcome = await found.plan(2)
        assert (outcome.result, outcome.replicas) == (Result.PENDING, 1)
        assert outcome.detail == f"HorizontalPodAutoscaler {NAME} goes on from 1"
        assert await found.count() == 1


async def _are(found: Stage, names: set[str]) -> bool:
    return set(await found.pods()) == names


async def _drained(found: Stage) -> set[str]:
    pods = (await found.pods()).items()
    return {name for name, body in pods if "route" not in body["metadata"]["labels"]}


async def _owned_by(found: Stage, owner: str) -> bool:
    seen = (await found.fleet.state()).variants
    return bool(seen) and seen[0].traits.owner == owner


def _bears(body: dict[str, dict[str, object]]) -> tuple[object, object]:
    return body["metadata"].get("labels"), body["metadata"].get("annotations")
