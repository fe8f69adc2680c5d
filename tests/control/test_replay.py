"""The journal of a loop under the default brain, through the commands that read it."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.control.virtual import MemoryBody, MemoryMetrics, Stage, VirtualClock
from tests.decide.worlds import BUSY, MODEL, traffic
from wva.cli.explain import explain
from wva.cli.replay import replay
from wva.decide.brain import WvaPolicy
from wva.fleet.observation import Trigger
from wva.fleet.readings import Endpoint, InstanceReading, Readings
from wva.policies.hpa.policy import HpaPolicy


@dataclass
class Growing(MemoryMetrics):
    """A load that doubles every few minutes."""

    clock: VirtualClock = field(default_factory=VirtualClock)

    async def read(self, endpoints: "list[Endpoint]", models: "list[str]") -> Readings:  # type: ignore[override]
        now = self.clock.monotonic()
        reading = InstanceReading(replace(BUSY, generation_tokens_total=100 * now), 400_000)
        seen = traffic(now * (2.0 + now / 60.0))
        return Readings({one.instance: reading for one in endpoints}, dict.fromkeys(models, seen))


async def test_a_live_journal_replays_without_a_difference_and_explains_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = VirtualClock()
    stage = Stage(
        clock=clock,
        body=MemoryBody(counts={"fast": 1}, model=replace(MODEL, name="llama")),
        metrics=Growing(clock=clock),
        directory=tmp_path,
        policy=WvaPolicy(),
        shadows=(HpaPolicy(),),
    )
    async with stage.running() as loop:
        for _ in range(40):
            await clock.advance(13)
            loop.request(Trigger.BURST, "more than before")
        assert stage.body.counts["fast"] > 1
        assert all(tick.shadows.keys() == {"hpa"} for tick in loop.history)
        decisions = len(loop.history)
    replay(tmp_path)
    assert f"all {decisions} decisions come out as recorded" in capsys.readouterr().out
    explain(tmp_path)
    shown = capsys.readouterr().out
    assert "Policy wva on a live fleet" in shown
    explain(tmp_path, at="13")
    assert "caused by burst" in capsys.readouterr().out
