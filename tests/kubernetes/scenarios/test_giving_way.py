"""A model gives way to a more important one under load: its pods end what they have before they are stopped.

The controller runs here, and not as a process of its own, with a shorter window than is usual: nobody gives anything up
before his load was seen for a whole one.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from tests.kubernetes.apply import apply
from tests.kubernetes.fleet_kit import variant_autoscaling, vllm
from tests.kubernetes.node_agent import A100, GPU_LABEL
from tests.kubernetes.picker import picker
from tests.kubernetes.scenarios.stage import Stage
from tests.kubernetes.scenarios.test_scarcity import ANSWER, BULK, FEW_AT_ONCE, HELD_OR_ANSWERED, VIP
from tests.kubernetes.scenarios.traffic import clients, ended
from wva.decide.brain import WvaPolicy
from wva.decide.settings import Settings
from wva.kubernetes.controller import run_controller
from wva.kubernetes.objects.pod import SERVING_GATE
from wva.kubernetes.settings_source import parse_settings

pytestmark = pytest.mark.slow
GPUS = 5
WINDOW_S = 25.0
PRIORITIES = {VIP: 10, BULK: 1}
GATED = {"readinessGates": [{"conditionType": SERVING_GATE}]}


@asynccontextmanager
async def controlled(stage: Stage) -> AsyncIterator[None]:
    """A controller with a short window, and the rights of one for the namespace."""
    account = await stage.account("wva")
    environment = {
        "HOME": os.environ.get("HOME", "/"),
        "POD_NAMESPACE": stage.namespace,
        "WATCH_NAMESPACE": stage.namespace,
        "GLOBAL_OPT_INTERVAL": "2s",
        "HEALTH_PROBE_BIND_ADDRESS": "127.0.0.1:0",
        "METRICS_BIND_ADDRESS": "0",
        "WVA_ACT": "direct",
        "WVA_POOLS": "{default: fixed}",
        "WVA_JOURNAL_DIR": str(stage.directory / "journal"),
        "LEADER_ELECT": "false",
        **stage.settings,
    }
    stop, settings = asyncio.Event(), parse_settings({}, environment).settings
    policy = WvaPolicy(settings=Settings(level_window_s=WINDOW_S))
    running = asyncio.create_task(run_controller(settings, stop, kubeconfig=account.kubeconfig, policy=policy))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(running, 30.0)


@pytest.mark.parametrize("way", ["gate", "label"])
async def test_pods_are_given_up_without_cutting_a_request_short(stage: Stage, way: str) -> None:
    a100 = stage.product(A100)
    async with stage.nodes({A100: GPUS}), AsyncExitStack() as stack:
        traffic = {}
        for model, replicas in ((BULK, GPUS - 1), (VIP, 1)):
            pod = GATED if way == "gate" else {}
            served = vllm(
                model, *FEW_AT_ONCE, "--served-model-name", model, product=a100, label=model, replicas=replicas, pod=pod
            )
            declared = variant_autoscaling(model, model, model=model)
            declared["spec"] |= {"minReplicas": 1, "priority": PRIORITIES[model]}
            await apply(stage.api, stage.namespace, served, declared)
            gateway = await stack.enter_async_context(
                picker(
                    stage.api, stage.admin, stage.namespace, model=model, label=model, name=f"picker-{model}",
                    node={GPU_LABEL: a100},
                )
            )  # fmt: skip
            traffic[model] = await stack.enter_async_context(clients(gateway.url, model))
        await stack.enter_async_context(controlled(stage))
        await stage.pods_are(BULK, GPUS - 1)
        await stage.pods_are(VIP, 1)
        asking = [asyncio.create_task(each.steadily(2.5, prompt=1000, answer=ANSWER)) for each in traffic.values()]
        began = time.monotonic()
        most = await stage.counts(VIP, 2, 3, 4, limit_s=100.0)
        await stage.pods_are(VIP, most)
        gave_s = time.monotonic() - began
        await ended(*asking)
        left = await stage.count(BULK)
        outcomes = {model: each.outcomes() for model, each in traffic.items()}
    print(f"{way}: {VIP} has {most} after {gave_s:.0f} s, {BULK} {left}: {outcomes}")
    assert 1 <= left <= GPUS - most
    if way == "gate":
        for found in outcomes.values():
            assert found.keys() <= HELD_OR_ANSWERED, found
