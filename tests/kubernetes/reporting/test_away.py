"""An API server that goes away and comes back: what could not be said is told as a problem, and said then."""

from dataclasses import replace

import pytest

from tests.kubernetes.control_plane import ControlPlane
from tests.kubernetes.reporting import test_ledger, test_poster, test_statuses
from tests.kubernetes.reporting.cluster import declare
from tests.kubernetes.reporting.test_ledger import GROWN
from tests.kubernetes.reporting.test_memory import KEPT
from tests.kubernetes.reporting.test_poster import LOST, UP
from tests.kubernetes.reporting.test_statuses import WELL
from wva.kubernetes.api.client import Api
from wva.kubernetes.api.resource import CONFIG_MAPS
from wva.kubernetes.objects.meta import meta
from wva.kubernetes.reporting.ledger import LEDGER
from wva.kubernetes.reporting.poster import POSTER, Regarding
from wva.kubernetes.reporting.writer import STATUS

pytestmark = pytest.mark.stops


@pytest.mark.slow
async def test_what_could_not_be_written_is_written_later(
    api: Api, namespace: str, control_plane: ControlPlane
) -> None:
    await declare(api, namespace, "a", "b")
    statuses, ledger = test_statuses.Stage(api, namespace), test_ledger.Stage(api, namespace)
    about = Regarding("v1", "ConfigMap", meta(await api.create(CONFIG_MAPS, namespace, {"metadata": {"name": "a"}})))
    events = test_poster.Stage(api, namespace, about)
    await statuses.shown.read()
    assert await statuses.say(("a", WELL), ("b", WELL)) is None
    await ledger.store(KEPT)

    await control_plane.stop_api_server()
    await statuses.clock.advance(10.0)
    grown = replace(WELL, desired=3)
    assert await statuses.say(("a", grown), ("b", grown)) is not None
    await ledger.store(GROWN)
    events.poster.post(about, [LOST, UP])
    await events.poster.flush()
    for stage, part in ((statuses, STATUS), (ledger, LEDGER), (events, POSTER)):
        assert "not reached" in stage.problems.now[part]

    await control_plane.start_api_server()
    await statuses.clock.advance(10.0)
    assert await statuses.writer.write() is None
    for name in ("a", "b"):
        assert statuses.shown.status(name)["desiredOptimizedAlloc"]["numReplicas"] == 3
    await ledger.ledger.write()
    assert await test_ledger.Stage(api, namespace).ledger.read() == GROWN
    assert len(await events.post()) == 2
    for stage in (statuses, ledger, events):
        assert stage.problems.now == {}
