"""How a controller begins and ends: what its probes say, what it leaves behind, and what it needs no disk for."""

import asyncio
import json
import resource
import signal
import subprocess
import time

import pytest

from tests.kubernetes.accounts import service_account
from tests.kubernetes.scenarios.leading import QUICK, declared, holder, pinned
from tests.kubernetes.scenarios.stage import WVA, Stage
from tests.kubernetes.waiting import until
from wva.kubernetes.api.resource import CONFIG_MAPS, LEASES, VARIANT_AUTOSCALINGS
from wva.kubernetes.manifests.rights import Where, rights, rules
from wva.kubernetes.settings import LEASE

pytestmark = pytest.mark.slow
GRACE_S = 30.0
"""That its manifests give it."""


async def test_it_is_alive_and_not_ready_while_it_cannot_see(stage: Stage) -> None:
    blind = [right for right in rights() if "pods" not in right.resources]
    account = await service_account(
        stage.api,
        stage.admin,
        stage.directory,
        stage.namespace,
        "blind",
        rules(blind, Where.FLEET, Where.HOME),
        rules(blind, Where.CLUSTER, Where.METRICS),
    )
    async with stage.controller(account.kubeconfig, ready=False, **QUICK) as controller:

        async def named() -> bool:
            said = await controller.probe("readyz")
            return said is not None and said[0] == 503 and "Pod" in said[1]

        await until(named, "it says what it does not see", 60.0)
        assert await controller.probe("healthz") == (200, "ok\n")
        assert await controller.desired("llama") is None
        assert await stage.events("ScaledUp") == []


async def test_it_ends_in_order(stage: Stage) -> None:
    async with declared(stage, 2), stage.controller(**QUICK) as controller:
        await stage.counts("llama", 2)
        await until(lambda: _allocated(stage, 2), "its status says so")
        # Sooner after a status than another one would be written.
        await pinned(stage, "llama", 3)
        await stage.counts("llama", 3)
        controller.send(signal.SIGTERM)
        told_at = time.monotonic()
        assert await controller.ended() == 0
        print(f"ended after {time.monotonic() - told_at:.2f} s")
        assert time.monotonic() - told_at < GRACE_S / 2
        assert await _allocated(stage, 3)
        assert await holder(stage) == ""
        lease = await stage.api.read(LEASES, stage.namespace, LEASE)
        state = await stage.api.read(CONFIG_MAPS, stage.namespace, "wva-state")
        variant = await stage.api.read(VARIANT_AUTOSCALINGS, stage.namespace, "llama")
        for last in (state, variant):
            assert int(last["metadata"]["resourceVersion"]) < int(lease["metadata"]["resourceVersion"])
        assert await stage.count("llama") == 3, "counts stay"
        lines = [json.loads(line) for line in controller.log.read_text().splitlines()]
        assert all({"time", "level", "message"} <= line.keys() for line in lines)
        acts = [line for line in lines if "scaled from" in line["message"]]
        assert [line["message"] for line in acts] == [
            "Deployment llama scaled from 1 to 2",
            "Deployment llama scaled from 2 to 3",
        ]
        assert all(line["decision"] and line["variant"] == "llama" for line in acts)
        assert not [line for line in lines if line["level"] == "error"]


async def test_it_decides_without_a_disk(stage: Stage) -> None:
    (stage.directory / "file").write_text("")
    place = stage.directory / "file/journal"
    async with declared(stage, 2), stage.controller(WVA_JOURNAL_DIR=str(place), **QUICK) as controller:
        await stage.counts("llama", 2)
        assert "cannot keep journals in" in controller.log.read_text()
        assert (await controller.probe("healthz")) == (200, "ok\n")


async def test_it_decides_while_its_disk_is_full(stage: Stage) -> None:
    async with declared(stage, 2), stage.controller(**QUICK) as controller:
        await stage.counts("llama", 2)
        await controller.turns(1)
        place = stage.directory / "wva-1-journal"
        largest = max(path.stat().st_size for path in place.iterdir())
        resource.prlimit(controller.process.pid, resource.RLIMIT_FSIZE, (largest, largest))

        async def said() -> bool:
            return "journal: " in controller.log.read_text()

        await until(said, "it says that the disk takes nothing", 60.0)
        await pinned(stage, "llama", 3)
        await stage.counts("llama", 3)
        assert (await controller.probe("healthz")) == (200, "ok\n")
        controller.send(signal.SIGTERM)
        assert await controller.ended() == 0
        assert await holder(stage) == ""


async def test_its_journal_explains_what_it_did(stage: Stage) -> None:
    async with declared(stage, 2), stage.controller(**QUICK) as controller:
        await stage.counts("llama", 2)
        found = await _explained(stage)
        assert "1 -> 2" in found, "while it runs"
        controller.send(signal.SIGKILL)
        await controller.ended()
    assert "1 -> 2" in await _explained(stage), "and after it was killed"


async def _explained(stage: Stage) -> str:
    process = await asyncio.create_subprocess_exec(
        WVA, "explain", stage.directory / "wva-1-journal", stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said
    return said.decode()


async def _allocated(stage: Stage, count: int) -> bool:
    found = (await stage.status("llama")).get("desiredOptimizedAlloc") or {}
    return bool(found.get("numReplicas") == count)
