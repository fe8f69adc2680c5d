"""Fixtures of the scenarios."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.kubernetes.node_agent import A100, H100, AgentSettings, NodeAgent, node_agent
from tests.kubernetes.scenarios.stage import Stage
from wva.kubernetes.api.client import Api


@pytest.fixture
async def stage(api: Api, kubeconfig: Path, namespace: str, tmp_path: Path) -> Stage:
    """A namespace in which everything is defined."""
    found = Stage(api, kubeconfig, namespace, tmp_path)
    await found.prepare()
    return found


@pytest.fixture
async def agent(kubeconfig: Path, tmp_path: Path) -> AsyncIterator[NodeAgent]:
    """GPU nodes whose pods run as emulated model servers."""
    settings = AgentSettings(nodes={A100: (1, 16), H100: (1, 8)}, speed=1.0)
    async with node_agent(kubeconfig, tmp_path / "logs", settings) as found:
        yield found
