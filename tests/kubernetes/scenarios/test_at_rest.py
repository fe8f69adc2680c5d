"""A fleet at rest: whoever watches the cluster sees the controller keep its Lease, and nothing else."""

import asyncio

import pytest

from tests.kubernetes.rights import Recording, recorded
from tests.kubernetes.scenarios.leading import declared, writes
from tests.kubernetes.scenarios.stage import Stage
from tests.kubernetes.waiting import until
from wva.kubernetes.api.resource import VARIANT_AUTOSCALINGS

pytestmark = pytest.mark.slow

SETTLED_S = 35.0
"""Without a write after which there are none to come: longer than it takes bad news to be told."""
REST_S = 60.0


@pytest.mark.parametrize("per_s", [2.0, 0.0], ids=["under load", "without load"])
async def test_nothing_is_written_but_the_lease(stage: Stage, per_s: float) -> None:
    account = await stage.account("resting")
    async with (
        declared(stage, 2, per_s=per_s),
        recorded(account.kubeconfig, stage.directory) as recording,
        stage.controller(recording.kubeconfig, GLOBAL_OPT_INTERVAL="1s") as controller,
    ):
        await stage.pods_are("llama", 2)
        await stage.condition("llama", "TargetResolved", status="True")
        await _settled(recording)
        before = len(recording.uses)
        version = await _version(stage)
        # That nothing happens shows in nothing but time.
        await asyncio.sleep(REST_S)
        made = recording.uses[before:]
        assert [use for use in writes(made) if use.resource != "leases"] == []
        assert (await stage.api.read(VARIANT_AUTOSCALINGS, stage.namespace, "llama"))["metadata"][
            "resourceVersion"
        ] == version
        leases = [use for use in made if use.resource == "leases"]
        assert 0.3 * REST_S < len(leases) < 0.7 * REST_S, "every 2 s"
        others = [use for use in made if use.resource != "leases" and use.verb != "watch"]
        assert len(others) < 0.2 * REST_S, others
        assert recording.refused == []
        assert "warning" not in controller.log.read_text()


async def _version(stage: Stage) -> str:
    found = await stage.api.read(VARIANT_AUTOSCALINGS, stage.namespace, "llama")
    return str(found["metadata"]["resourceVersion"])


async def _settled(recording: Recording) -> None:
    """Wait until nothing but the Lease was written for a while."""
    last, since = -1, 0.0

    async def looked() -> bool:
        nonlocal last, since
        count = len([use for use in writes(recording.uses) if use.resource != "leases"])
        now = asyncio.get_running_loop().time()
        if count != last:
            last, since = count, now
        return now - since > SETTLED_S

    await until(looked, "nothing more is written", 150.0)
