"""WVA's own ConfigMaps on a real API server: read by the successor, written on change, by one."""

import asyncio
import contextlib
from dataclasses import replace
from pathlib import Path

import pytest

from tests.control.virtual import VirtualClock, settle
from tests.kubernetes.accounts import service_account
from tests.kubernetes.reporting.test_memory import KEPT, REMEMBERED
from tests.kubernetes.waiting import until
from wva.kubernetes.api.client import Api, configuration
from wva.kubernetes.api.resource import CONFIG_MAPS
from wva.kubernetes.reporting import ledger as module
from wva.kubernetes.reporting.ledger import LEDGER, Ledger, ledger_names
from wva.kubernetes.reporting.memory import Kept
from wva.kubernetes.reporting.shards import spread
from wva.kubernetes.scope import Scope
from wva.record.problems import Problems

GROWN = replace(KEPT, remembered=replace(REMEMBERED, published={"team/a": 4, "other/b": 0}))


class Stage:
    """A ledger with a clock of its own."""

    def __init__(self, api: Api, namespace: str, instance: str | None = None) -> None:
        self.api, self.namespace = api, namespace
        self.clock, self.problems = VirtualClock(), Problems()
        self.leads = True
        self.ledger = Ledger(api, Scope(namespace, instance), lambda: self.leads, self.clock, self.problems)

    async def store(self, kept: Kept) -> None:
        self.ledger.keep(kept)
        await self.ledger.write()

    async def maps(self) -> dict[str, str]:
        """Names and versions of the ConfigMaps."""
        found = await self.api.list(CONFIG_MAPS, self.namespace, "app.kubernetes.io/managed-by=wva")
        return {each["metadata"]["name"]: each["metadata"]["resourceVersion"] for each in found}


@pytest.fixture
def stage(api: Api, namespace: str) -> Stage:
    return Stage(api, namespace)


async def test_the_successor_reads_what_was_kept(stage: Stage) -> None:
    assert await stage.ledger.read() == Kept()
    await stage.store(KEPT)
    assert (await stage.maps()).keys() == {"wva-state"}
    successor = Stage(stage.api, stage.namespace)
    assert await successor.ledger.read() == KEPT
    before = await stage.maps()
    await successor.store(KEPT)
    assert await stage.maps() == before, "it says what is there already"
    await successor.store(GROWN)
    assert await Stage(stage.api, stage.namespace).ledger.read() == GROWN


async def test_instances_have_their_own(stage: Stage) -> None:
    assert not set(ledger_names(None)) & set(ledger_names("1")), "a number is an instance like any"
    blue = Stage(stage.api, stage.namespace, "blue")
    await stage.store(KEPT)
    assert await blue.ledger.read() == Kept()
    await blue.store(GROWN)
    assert (await stage.maps()).keys() == {"wva-state", "wva-state-blue"}
    assert await stage.ledger.read() == KEPT


async def test_it_is_written_on_change_and_not_too_often(stage: Stage) -> None:
    running = asyncio.ensure_future(stage.ledger.run())
    try:
        stage.ledger.keep(KEPT)
        await until(stage.maps, "the first state is written")
        first = await stage.maps()
        stage.ledger.keep(GROWN)
        await stage.clock.advance(9.0)
        assert await stage.maps() == first
        await stage.clock.advance(1.0)
        await until(lambda: changed(stage, first), "the next is written after the pause")
        before = await stage.maps()
        for _ in range(20):
            await stage.clock.advance(15.0)
            stage.ledger.keep(replace(GROWN))
            await settle()
        assert await stage.maps() == before, "nothing is written where nothing changes"
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def changed(stage: Stage, before: dict[str, str]) -> bool:
    return await stage.maps() != before


async def test_what_one_cannot_hold_is_in_several(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "spread", lambda before, wanted: spread(before, wanted, 30_000))
    said = {
        ("ScaledObject", f"ns-{number % 7}", f"v{number}"): {"conditions": [{"message": "x" * 1000}]}
        for number in range(100)
    }
    await stage.store(Kept(said=said))
    names = (await stage.maps()).keys()
    assert {"wva-state", "wva-state.1", "wva-state.2"} <= names
    successor = Stage(stage.api, stage.namespace)
    assert (await successor.ledger.read()).said == said
    before = await stage.maps()
    one = next(iter(said))
    await successor.store(Kept(said={**said, one: {"conditions": []}}))
    after = await stage.maps()
    assert sum(after[name] != before[name] for name in names) == 1, "only the one that holds it is written"
    await successor.store(Kept())
    assert await stage.ledger.read() == Kept()


async def test_what_is_too_much_for_all_is_told(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "spread", lambda before, wanted: spread(before, wanted, 1500))
    said = {("ScaledObject", f"ns-{number}", "v"): {"text": "x" * 1000} for number in range(20)}
    await stage.store(Kept(said=said))
    assert len(await stage.maps()) == module.MOST
    assert stage.problems.now[LEDGER].startswith("4 of 20 documents have no room")
    successor = Stage(stage.api, stage.namespace)
    assert len((await successor.ledger.read()).said) == 16
    await stage.store(KEPT)
    assert stage.problems.now == {}


async def test_who_does_not_lead_any_more_writes_nothing(stage: Stage) -> None:
    await stage.store(KEPT)
    before = await stage.maps()
    stage.leads = False
    await stage.store(GROWN)
    assert await stage.maps() == before
    stage.leads = True
    await stage.ledger.write()
    assert await stage.maps() != before


async def test_what_another_wrote_is_refused_then_read_then_replaced(stage: Stage) -> None:
    await stage.store(KEPT)
    other = Stage(stage.api, stage.namespace)
    await other.ledger.read()
    await other.store(GROWN)
    await stage.store(Kept(said=KEPT.said))
    assert await Stage(stage.api, stage.namespace).ledger.read() == GROWN
    assert stage.problems.now == {}
    await stage.ledger.write()
    assert await Stage(stage.api, stage.namespace).ledger.read() == Kept(said=KEPT.said)


async def test_one_that_was_deleted_is_made_again(stage: Stage) -> None:
    await stage.store(KEPT)
    await stage.api.delete(CONFIG_MAPS, stage.namespace, "wva-state")
    await stage.store(GROWN)
    await stage.ledger.write()
    assert await Stage(stage.api, stage.namespace).ledger.read() == GROWN


async def test_what_cannot_be_read_is_told(stage: Stage) -> None:
    body = {"metadata": {"name": "wva-state"}, "data": {"team": "{}", "notes": "hello"}}
    await stage.api.create(CONFIG_MAPS, stage.namespace, body)
    assert await stage.ledger.read() == Kept()
    assert "notes: is no JSON" in stage.problems.now[f"{LEDGER} of the predecessor"]
    await stage.store(KEPT)
    assert await Stage(stage.api, stage.namespace).ledger.read() == KEPT


async def test_the_rights_that_it_takes(api: Api, kubeconfig: Path, namespace: str, tmp_path: Path) -> None:
    reads = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}
    account = await service_account(api, kubeconfig, tmp_path, namespace, "reader", [reads])
    async with Api(await configuration(account.kubeconfig)) as limited:
        stage = Stage(limited, namespace)
        assert await stage.ledger.read() == Kept()
        await stage.store(KEPT)
        assert "forbidden" in stage.problems.now[LEDGER]
    writes = {**reads, "verbs": ["get", "create", "patch"]}
    account = await service_account(api, kubeconfig, tmp_path, namespace, "writer", [writes])
    async with Api(await configuration(account.kubeconfig)) as enough:
        stage = Stage(enough, namespace)
        await stage.store(KEPT)
        await stage.store(GROWN)
        assert stage.problems.now == {}
        assert await stage.ledger.read() == GROWN
