"""Who leads, and what it takes for another to: with a Lease that runs out soon."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, nullcontext
from typing import Any

from tests.kubernetes.apply import apply
from tests.kubernetes.fleet_kit import variant_autoscaling, vllm
from tests.kubernetes.node_agent import A100
from tests.kubernetes.picker import Picker, picker
from tests.kubernetes.rights import Use
from tests.kubernetes.scenarios.stage import Controller, Stage
from tests.kubernetes.scenarios.traffic import load
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


async def until_logged(controller: Controller, text: str) -> None:
    """Wait until a controller's log says so."""

    async def looked() -> bool:
        return text in controller.log.read_text()

    await until(looked, f"it logs {text!r}", 60.0)


async def until_shown(controller: Controller, series: str) -> None:
    """Wait until a controller shows a series of that name."""

    async def looked() -> bool:
        return bool(await controller.series(series))

    await until(looked, f"it shows {series}", 90.0)


async def pinned(stage: Stage, variant: str, count: int | None) -> None:
    """Hold a variant at a count."""
    said = None if count is None else str(count)
    body = {"metadata": {"annotations": {PIN: said}}}
    await stage.api.patch(VARIANT_AUTOSCALINGS, stage.namespace, variant, body)


@asynccontextmanager
async def declared(
    stage: Stage, pin: int | None, *, per_s: float = 2.0, pod: Body | None = None
) -> AsyncIterator[Picker]:
    """A Deployment whose pods run on nodes of its own, behind a gateway, and its variant held at a count.

    It gets ``per_s`` small requests a second.
    """
    async with (
        stage.nodes({A100: 8}),
        picker(stage.api, stage.admin, stage.namespace) as gateway,
        load(gateway.url, per_s, prompt=50, answer=20) if per_s else nullcontext(),
    ):
        await apply(stage.api, stage.namespace, vllm("llama", product=stage.product(A100), pod=pod))
        await apply(stage.api, stage.namespace, variant_autoscaling("llama", "llama"))
        await pinned(stage, "llama", pin)
        if pod is None:
            await stage.pods_are("llama", 1)
        yield gateway


def writes(uses: Iterable[Use]) -> list[Use]:
    """Those of the requests that change something, or would."""
    return [use for use in uses if use.verb not in _READS]
