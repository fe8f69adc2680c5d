from pathlib import Path

import pytest

from tests.web.story import Story, ToldFleet
from wva.fleet.errors import UserError
from wva.live.run_directory import RunFile, write_run_file
from wva.live.server import ControlServer
from wva.live.state import LiveState
from wva.web.found import found_fleet


async def test_a_long_state_is_heard_and_only_the_token_unlocks(tmp_path: Path) -> None:
    story = Story()
    story.tell()
    fleet = ToldFleet(story)
    server = ControlServer(fleet, "right", lambda: [])
    url = await server.start()
    write_run_file(tmp_path, RunFile("told", 1, url, "right", "http://127.0.0.1:8000", "journals"))
    story.problems = {"journal": "x" * 1_000_000}
    try:
        async with found_fleet(tmp_path) as found:
            async for event in found.events():
                assert isinstance(event, LiveState)
                assert len(event.problems["journal"]) == 1_000_000
                break
            assert [tick.number for tick in await found.ticks()] == [1]
            assert found.unlock("wrong") is None
            unlocked = found.unlock("right")
            assert unlocked is not None
            await unlocked.pin("a100", 2)
        assert story.pins == {"a100": 2}
    finally:
        fleet.gone = True
        await server.stop()


async def test_without_a_fleet_it_is_said_how_to_start_one(tmp_path: Path) -> None:
    async with found_fleet(tmp_path) as found:
        with pytest.raises(UserError, match="start one with wva up"):
            await found.ticks()
