"""Who leads, and what it takes for another to: with a Lease that runs out soon."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from tests.kubernetes.apply import apply
from tests.kubernetes.fleet_kit import variant_autoscaling, vllm
from tests.kubernetes.node_agent import A100, GPU_LABEL, AgentSettings, node_agent
from tests.kubernetes.rights import Use
from tests.kubernetes.scenarios.stage import Stage
from tests.kubernetes.waiting import until
from wva.kubernetes.api.resource import LEASES, VARIANT_AUTOSCALINGS
from wva.kubernetes.orders import PIN
from wva.kubernetes.settings import LEASE

Body = dict[str, Any]
LEASE_S = 6.0
QUICK = {
    "LEADER_ELECTION_LEASE_DURATION": f"{LEASE_S:g}s",
    "LEADER_ELECTION_RENEW_DEADLINE": "4s",
    "LEADER_ELECTION_RETRY_PERIOD": "500ms",
    "GLOBAL_OPT_INTERVAL": "1s",
}
_READS = {"get", "list", "watch"}


async def holder(stage: Stage) -> str:
    """Identity of the leader; empty where nobody is."""
    found = await stage.api.read(LEASES, stage.namespace, LEASE)
    return str(found["spec"].get("holderIdentity") or "")


async def until_holds(stage: Stage, pod: str) -> None:
    """Wait until the controller of that name leads."""

    async def looked() -> bool:
        return (await holder(stage)).startswith(f"{pod}_")

    await until(looked, f"{pod} holds the lease", 60.0)


async def pinned(stage: Stage, variant: str, count: int | None) -> None:
    """Hold a variant at a count."""
    said = None if count is None else str(count)
    body = {"metadata": {"annotations": {PIN: said}}}
    await stage.api.patch(VARIANT_AUTOSCALINGS, stage.namespace, variant, body)


@asynccontextmanager
async def declared(stage: Stage, pin: int, pod: Body | None = None) -> AsyncIterator[None]:
    """A Deployment whose pods run on nodes of its own, and its variant held at a count."""
    product = f"{A100}-{stage.namespace}"
    stage.settings = {**stage.settings, "WVA_NODE_SELECTOR": f"{GPU_LABEL}={product}"}
    async with node_agent(stage.admin, stage.directory / "logs", AgentSettings({product: (1, 8)}, speed=1.0)):
        await apply(stage.api, stage.namespace, vllm("llama", product=product, pod=pod))
        await apply(stage.api, stage.namespace, variant_autoscaling("llama", "llama"))
        await pinned(stage, "llama", pin)
        yield


def writes(uses: Iterable[Use]) -> list[Use]:
    """Those of the requests that change something, or would."""
    return [use for use in uses if use.verb not in _READS]
