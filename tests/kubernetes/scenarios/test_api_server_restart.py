"""The API server goes away under a fleet with load, and comes back."""

import asyncio
import json
import signal

import pytest

from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.scenarios.leading import QUICK, declared, pinned, until_holds, until_logged, until_shown
from tests.kubernetes.scenarios.stage import Stage
from wva.kubernetes.api.resource import EVENTS

pytestmark = [pytest.mark.slow, pytest.mark.stops]


async def test_a_controller_goes_on_after_the_api_server_was_away(stage: Stage, control_plane: ControlPlane) -> None:
    async with declared(stage, 2), stage.controller(**QUICK) as controller:
        await stage.pods_are("llama", 2)
        await stage.condition("llama", "MetricsAvailable", status="True")
        told = len(await stage.api.list(EVENTS, stage.namespace))

        await control_plane.stop_api_server()
        await until_logged(controller, "lost the lead")
        assert await controller.desired("llama") is None, "another may lead by now, for all it knows"
        assert await controller.probe("healthz") == (200, "ok\n"), "a restart would not help"

        await control_plane.start_api_server()
        await until_holds(stage, "wva-1")
        await until_shown(controller, "wva_loop_last_success_timestamp_seconds")
        assert await stage.count("llama") == 2
        own = [each for each in await stage.api.list(EVENTS, stage.namespace) if _is_own(each)]
        assert len(await stage.api.list(EVENTS, stage.namespace)) - told < 20, own
        await pinned(stage, "llama", 3)
        await stage.counts("llama", 3)
        await stage.pods_are("llama", 3)
        assert (await stage.condition("llama", "Conflict"))["status"] == "False"
        assert await controller.probe("readyz") == (200, "ok\n")
        lines = [json.loads(line) for line in controller.log.read_text().splitlines()]
        assert not [line for line in lines if line["level"] == "error"]
        assert len(lines) < 100, "it says once what is wrong"


async def test_a_controller_ends_in_time_while_the_api_server_is_away(
    stage: Stage, control_plane: ControlPlane
) -> None:
    async with declared(stage, 2), stage.controller(**QUICK) as controller:
        await stage.counts("llama", 2)
        await control_plane.stop_api_server()
        controller.send(signal.SIGTERM)
        async with asyncio.timeout(15.0):
            assert await controller.ended() == 0
        await control_plane.start_api_server()
        assert await stage.count("llama") == 2
    async with stage.controller(**QUICK):
        await pinned(stage, "llama", 3)
        await stage.counts("llama", 3)


def _is_own(event: dict[str, object]) -> bool:
    return event.get("reportingComponent") == "workload-variant-autoscaler"
