"""More is needed than there is: of one kind of GPU, of a namespace's quota, or for all models together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from tests.kubernetes.apply import apply, resource_of
from tests.kubernetes.fleet_kit import LLAMA, variant_autoscaling, vllm
from tests.kubernetes.node_agent import A100, GPU_LABEL, H100
from tests.kubernetes.picker import picker
from tests.kubernetes.scenarios.stage import Stage
from tests.kubernetes.scenarios.traffic import Traffic, clients, ended
from wva.kubernetes.api.errors import ApiError

pytestmark = pytest.mark.slow

FEW_AT_ONCE = ("--max-num-seqs", "4")
"""Has a replica serve little more than one of the requests below in a second, so that some make it too few."""
ANSWER = 200
HELD_OR_ANSWERED = {"answered", "open", "429", "503", "504"}
"""What may become of a request where there is too little for all: none is cut off."""


@asynccontextmanager
async def asked(url: str, model: str, per_s: float) -> AsyncIterator[Traffic]:
    """So many requests a second until the end of the block."""
    async with clients(url, model) as traffic:
        sending = asyncio.create_task(traffic.steadily(per_s, prompt=1000, answer=ANSWER, stream=False))
        try:
            yield traffic
        finally:
            await ended(sending)


async def test_what_no_node_takes_is_had_from_another_variant(stage: Stage) -> None:
    async with stage.nodes({A100: 1, H100: 4}) as agent:
        dear = vllm("dear", *FEW_AT_ONCE, product=stage.product(H100), replicas=0)
        await apply(stage.api, stage.namespace, vllm("cheap", *FEW_AT_ONCE, product=stage.product(A100)), dear)
        await apply(stage.api, stage.namespace, variant_autoscaling("cheap", "cheap"))
        await apply(stage.api, stage.namespace, variant_autoscaling("dear", "dear", cost="25.0"))
        async with (
            picker(stage.api, stage.admin, stage.namespace, node={GPU_LABEL: stage.product(A100)}) as gateway,
            stage.controller(WVA_PROVISIONING_PATIENCE="10s") as controller,
            asked(gateway.url, LLAMA, 3.0) as traffic,
        ):
            told = await stage.condition("cheap", "ActuationLimited", reason="InsufficientStock", limit_s=150)
            assert told["status"] == "True"
            await stage.counts("dear", 1, 2, 3, 4)
            await controller.turns(2)
            assert await stage.count("cheap") >= 1, "what serves goes on"
            found = [name for (space, name) in agent.addresses if space == stage.namespace and name.startswith("cheap")]
            assert len(found) == 1
            assert traffic.outcomes().keys() <= HELD_OR_ANSWERED, traffic.outcomes()


@pytest.fixture
async def little_quota(stage: Stage) -> AsyncIterator[str]:
    """A priority class of which the namespace may have one pod."""
    name = f"{stage.namespace}-spot"
    kind = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}, "value": 1}
    scope = {"scopeName": "PriorityClass", "operator": "In", "values": [name]}
    quota: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "spot"},
        "spec": {"hard": {"pods": "1"}, "scopeSelector": {"matchExpressions": [scope]}},
    }
    await apply(stage.api, stage.namespace, kind, quota)
    yield name
    with suppress(ApiError):
        await stage.api.delete(resource_of(kind), None, name)


async def test_what_a_quota_refuses_is_had_from_another_variant(stage: Stage, little_quota: str) -> None:
    async with stage.nodes({A100: 8, H100: 4}):
        within = {"priorityClassName": little_quota}
        cheap = vllm("cheap", *FEW_AT_ONCE, product=stage.product(A100), pod=within)
        dear = vllm("dear", *FEW_AT_ONCE, product=stage.product(H100), replicas=0)
        await apply(stage.api, stage.namespace, cheap, dear, variant_autoscaling("cheap", "cheap"))
        await apply(stage.api, stage.namespace, variant_autoscaling("dear", "dear", cost="25.0"))
        async with (
            picker(stage.api, stage.admin, stage.namespace, node={GPU_LABEL: stage.product(A100)}) as gateway,
            stage.controller() as controller,
            asked(gateway.url, LLAMA, 3.0),
        ):
            told = await stage.condition("cheap", "ActuationLimited", reason="QuotaExceeded", limit_s=150)
            assert "quota" in told["message"]
            await stage.counts("dear", 1, 2, 3, 4)
            await controller.turns(2)
            assert await stage.count("cheap") >= 1


VIP, BULK = "vip", "bulk"
GPUS = 6


async def test_where_there_is_too_little_for_all_the_more_important_model_has_what_it_needs(stage: Stage) -> None:
    a100 = stage.product(A100)
    node = {GPU_LABEL: a100}
    async with stage.nodes({A100: GPUS}):
        for model, priority in ((VIP, 10), (BULK, 1)):
            served = vllm(model, *FEW_AT_ONCE, "--served-model-name", model, product=a100, label=model)
            declared = variant_autoscaling(model, model, model=model)
            declared["spec"] |= {"minReplicas": 1, "priority": priority}
            await apply(stage.api, stage.namespace, served, declared)
        async with (
            picker(
                stage.api, stage.admin, stage.namespace, model=VIP, label=VIP, name="picker-vip", node=node
            ) as of_vip,
            picker(stage.api, stage.admin, stage.namespace, model=BULK, label=BULK, node=node) as of_bulk,
            asked(of_vip.url, VIP, 1.5) as more,
            stage.controller(WVA_POOLS="{default: fixed}") as controller,
        ):
            # What another has taken it gives up only once its own load was seen for long, so this one comes first.
            enough = await stage.counts(VIP, *range(2, GPUS))
            async with asked(of_bulk.url, BULK, 6.0) as less:
                await stage.condition(BULK, "ActuationLimited", status="True", reason="InsufficientStock")
                await stage.condition(VIP, "ActuationLimited", status="False")
                await controller.turns(3)
                assert await stage.count(VIP) >= enough
                assert 1 <= await stage.count(BULK) <= GPUS - await stage.count(VIP)
        for traffic in (more, less):
            assert traffic.outcomes().keys() <= HELD_OR_ANSWERED, traffic.outcomes()
