"""Fixtures of the tests that talk to a real control plane; without one at hand they are skipped."""

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.kubernetes.apply import create_namespace
from tests.kubernetes.control_plane import ControlPlane, running, shared
from wva.kubernetes.api.client import Api, configuration
from wva.kubernetes.api.errors import ApiError
from wva.kubernetes.api.resource import NAMESPACES


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what talks to a control plane: it is slow, and runs beside its like."""
    for item in items:
        if "control_plane" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.cluster)
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def shared_control_plane(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[ControlPlane]:
    """One for all tests of a run, in however many processes they are."""
    if worker_id == "master":
        with running() as found:
            yield found
        return
    with shared(tmp_path_factory.getbasetemp().parent) as found:
        yield found


@pytest.fixture(scope="module")
def control_plane(request: pytest.FixtureRequest) -> Iterator[ControlPlane]:
    """Everybody's: keep to a namespace of your own, and leave it running; a module marked ``stops`` has its own."""
    if request.node.get_closest_marker("stops") is None:
        yield request.getfixturevalue("shared_control_plane")
        return
    with running() as found:
        yield found


@pytest.fixture(scope="module")
def kubeconfig(control_plane: ControlPlane) -> Path:
    """An administrator's."""
    return control_plane.kubeconfig


@pytest.fixture
async def api(control_plane: ControlPlane) -> AsyncIterator[Api]:
    """The API server, as an administrator; it runs again after a test that stopped it."""
    async with Api(await configuration(control_plane.kubeconfig)) as found:
        yield found
        await control_plane.start_api_server()


@pytest.fixture
async def namespace(api: Api, control_plane: ControlPlane) -> AsyncIterator[str]:
    """A new namespace, deleted afterwards without waiting for its end."""
    name = f"t-{secrets.token_hex(4)}"
    await create_namespace(api, name)
    yield name
    await control_plane.start_api_server()
    with suppress(ApiError):
        await api.delete(NAMESPACES, None, name)
