"""Parts of the controller that talk to the API server keep to the rights that are installed for it."""

import asyncio
from pathlib import Path

import pytest

from tests.control.virtual import VirtualClock
from tests.kubernetes.accounts import service_account
from tests.kubernetes.reporting.test_ledger import GROWN
from tests.kubernetes.reporting.test_memory import KEPT
from tests.kubernetes.rights import Use, compare, recorded
from wva.control.clock import SystemClock
from wva.kubernetes.api.client import Api, configuration
from wva.kubernetes.election import Candidate, ElectionSettings
from wva.kubernetes.elector import BootClock, Elector
from wva.kubernetes.manifests.installation import Installation
from wva.kubernetes.manifests.rights import rights
from wva.kubernetes.reporting.ledger import Ledger
from wva.kubernetes.scope import Scope
from wva.kubernetes.serving.access import LET_IN, ReviewedAccess
from wva.kubernetes.settings import lease_name
from wva.kubernetes.watching.watch import Watch
from wva.record.problems import Problems

LIMIT_S = 30.0
FAST = ElectionSettings(lease_s=3.0, renew_s=2.0, retry_s=0.3)


async def watches(api: Api, scope: Scope) -> None:
    watch = Watch(api, scope, SystemClock())
    task = asyncio.create_task(watch.run())
    try:
        await asyncio.wait_for(watch.until_synced(), LIMIT_S)
    finally:
        task.cancel()
    wide = scope.only_namespace is None
    assert (watch.mirror.nodes() is None) is not wide


async def leads(api: Api, scope: Scope) -> None:
    problems = Problems()
    name = lease_name(scope.instance)
    elector = Elector(api, scope.home, name, Candidate("a", FAST), BootClock(), problems)
    task = asyncio.create_task(elector.run())
    async with asyncio.timeout(LIMIT_S):
        while elector.holder is None and not problems.now:
            await asyncio.sleep(0.05)
        elector.stop()
        await task
    assert not problems.now


async def remembers(api: Api, scope: Scope) -> None:
    problems = Problems()
    ledger = Ledger(api, scope, lambda: True, VirtualClock(), problems)
    await ledger.read()
    for kept in (KEPT, GROWN):
        ledger.keep(kept)
        await ledger.write()
    assert not problems.now


@pytest.mark.slow
async def test_they_use_what_is_installed_and_no_more(
    api: Api, installed: Installation, kubeconfig: Path, tmp_path: Path
) -> None:
    home = installed.namespace
    only = home if installed.namespaced else None
    scope = Scope(home, installed.instance, only)
    account = await service_account(api, kubeconfig, tmp_path, home, installed.name("controller"), [])
    async with recorded(account.kubeconfig, tmp_path) as (through, uses), Api(await configuration(through)) as own:
        await watches(own, scope)
        await leads(own, scope)
        await remembers(own, scope)
        assert await ReviewedAccess(own, VirtualClock()).judge(f"Bearer {account.token}", "/metrics") == LET_IN
    found = compare(uses, rights(installed.instance), home, only)
    # Nodes are asked for where they may not be seen: an administrator may have allowed it.
    assert {use for use in found.missing if use.resource != "nodes"} == set()
    assert bool(found.missing) is installed.namespaced
    assert Use("update", "coordination.k8s.io", "leases", home, lease_name(installed.instance)) in uses
    used_here = {
        ("list", "", "pods"), ("list", "", "configmaps"), ("get", "", "configmaps"), ("create", "", "configmaps"),
        ("patch", "", "configmaps"), ("create", "authentication.k8s.io", "tokenreviews"),
        ("create", "authorization.k8s.io", "subjectaccessreviews"), ("create", "coordination.k8s.io", "leases"),
        ("get", "coordination.k8s.io", "leases"), ("update", "coordination.k8s.io", "leases"),
    }  # fmt: skip
    assert not used_here & found.unused
