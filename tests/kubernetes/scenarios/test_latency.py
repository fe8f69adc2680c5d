"""A burst between two turns is answered by an early one."""

from pathlib import Path

from bench.kubernetes_latency import GPU, INTERVAL_S, TARGET_S, measure, table

from tests.kubernetes.node_agent import AgentSettings, node_agent
from tests.kubernetes.scenarios.stage import Stage
from wva.kubernetes.orders import Act


async def test_pods_that_are_strained_get_company_long_before_the_next_usual_turn(
    stage: Stage, kubeconfig: Path, tmp_path: Path
) -> None:
    async with node_agent(kubeconfig, tmp_path / "logs", AgentSettings(nodes={GPU: (1, 2)}, speed=1.0)):
        seconds = await measure(stage, Act.DIRECT, pods=2)
    print(table(Act.DIRECT, seconds))
    assert len(seconds) == 2
    assert max(seconds) < TARGET_S < INTERVAL_S
