"""How fast the engines of a test's pods go."""

from tests.kubernetes.picker import SERVER_PORT
from tests.kubernetes.scenarios.stage import Stage
from tests.kubernetes.scenarios.traffic import Traffic

SLOWER = 100.0
"""Times as long as it takes otherwise: answers at that pace last longer than anything that is awaited."""


async def at_pace(factor: float, stage: Stage, traffic: Traffic) -> None:
    """Have all pods of the model take so many times as long for every step as their hardware would."""
    for pod in await stage.pods("llama"):
        url = f"http://{pod['status']['podIP']}:{SERVER_PORT}/emulator/faults"
        async with traffic.http.patch(url, json={"slow_tokens": factor}) as answer:
            assert answer.status == 200
