"""Who leads, and what it takes for another to: with a Lease that runs out soon."""

from collections.abc import Iterable
from pathlib import Path

from tests.kubernetes.accounts import service_account
from tests.kubernetes.rights import Use
from tests.kubernetes.scenarios.stage import Stage
from tests.kubernetes.waiting import until
from wva.kubernetes.api.resource import LEASES, VARIANT_AUTOSCALINGS
from wva.kubernetes.manifests.rights import Where, rights, rules
from wva.kubernetes.orders import PIN
from wva.kubernetes.settings import LEASE

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


async def account(stage: Stage, name: str) -> Path:
    """Kubeconfig of an account with the rights of a controller of the stage's namespace."""
    asked = rights()
    made = await service_account(
        stage.api,
        stage.admin,
        stage.directory,
        stage.namespace,
        name,
        rules(asked, Where.FLEET, Where.HOME),
        rules(asked, Where.CLUSTER, Where.METRICS),
    )
    return made.kubeconfig


def writes(uses: Iterable[Use]) -> list[Use]:
    """Those of the requests that change something, or would."""
    return [use for use in uses if use.verb not in _READS]
