"""What docs/kubernetes.md tells a newcomer to apply, taken by a controller as it is installed."""

from pathlib import Path

import pytest

from tests.kubernetes.apply import apply
from tests.kubernetes.node_agent import A100, NodeAgent
from tests.kubernetes.scenarios.stage import Stage
from tests.kubernetes.waiting import until
from wva.kubernetes.api.resource import DEPLOYMENTS, VARIANT_AUTOSCALINGS
from wva.kubernetes.orders import ACT, PIN

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).parents[3] / "deploy/examples/llama-8b.yaml"
NAME = "llama-8b-a100"


async def test_the_example_is_managed_once_its_namespace_says_so(stage: Stage, agent: NodeAgent) -> None:
    settings = {"WVA_ACT": "advisory"}
    text = EXAMPLE.read_text().replace("chat", stage.namespace).replace("NVIDIA-A100-SXM4-80GB", A100)
    async with stage.controller(None, settings) as controller:
        await apply(stage.api, stage.namespace, text)
        # Its gate is opened by WVA, or it would never be ready.
        await until(lambda: ready(stage), "the model server is ready", 60.0)
        await stage.condition(NAME, "Accepted", status="True")
        await stage.condition(NAME, "DrainSupported", status="True")
        assert await controller.desired(NAME) in (None, 1.0)

        # A controller for one namespace does not see what is said there of the namespace as a whole.
        await stage.condition(NAME, "ActuationLimited", status="True", reason="Advisory")
        await say(stage, **{ACT: "direct", PIN: "2"})
        await stage.counts(NAME, 2)
        await say(stage, **{ACT: "advisory", PIN: "3"})
        await stage.condition(NAME, "ActuationLimited", status="True", reason="Advisory")
        assert await stage.count(NAME) == 2


async def say(stage: Stage, **annotations: str) -> None:
    body = {"metadata": {"annotations": annotations}}
    await stage.api.patch(VARIANT_AUTOSCALINGS, stage.namespace, NAME, body)


async def ready(stage: Stage) -> bool:
    status = (await stage.api.read(DEPLOYMENTS, stage.namespace, NAME))["status"]
    return bool(status.get("readyReplicas"))
