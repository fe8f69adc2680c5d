"""Fixtures of the tests that talk to a real control plane; without one at hand they are skipped."""

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.kubernetes.apply import create_namespace
from tests.kubernetes.control_plane import ControlPlane, running
from wva.kubernetes.api.client import Api, configuration
from wva.kubernetes.api.errors import ApiError
from wva.kubernetes.api.resource import NAMESPACES


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """One for all tests of a run; keep to a namespace of your own."""
    with running() as found:
        yield found


@pytest.fixture(scope="session")
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
