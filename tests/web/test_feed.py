import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from tests.web.story import Story
from wva.fleet.errors import UserError
from wva.live.state import LiveState, TickState
from wva.web.access import Refusal, carry_out
from wva.web.feed import Feed


class Clock:
    """Sleeping lets others go on, and costs no time."""

    def __init__(self) -> None:
        self.now = 0.0

    def utc(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


class Script:
    """A fleet that says what it is given: each list is what it says until it closes, an error is what it raises."""

    def __init__(self, *parts: list[LiveState | TickState] | UserError, kept: Sequence[TickState] = ()) -> None:
        self.parts = list(parts)
        self.kept = list(kept)

    async def ticks(self, since: int = 0) -> Sequence[TickState]:
        return [tick for tick in self.kept if tick.number > since]

    async def events(self) -> AsyncIterator[LiveState | TickState]:
        if not self.parts:
            await asyncio.Event().wait()
        part = self.parts.pop(0)
        if isinstance(part, UserError):
            raise part
        for event in part:
            yield event

    def unlock(self, token: str) -> None:
        return None


async def _follow(fleet: Script, turns: int = 60) -> tuple[Feed, list[str | None]]:
    feed = Feed(fleet, Clock())
    lost: list[str | None] = []
    feed.subscribe(lambda: lost.append(feed.view.lost))
    task = asyncio.create_task(feed.follow())
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    return feed, lost


def _story(turns: int, start: float = 1000.0) -> Story:
    story = Story(start=start)
    for _ in range(turns):
        story.tell()
    return story


async def test_turns_from_before_are_asked_for_and_none_comes_twice() -> None:
    story = _story(3)
    state, kept = story.state(), list(story.ticks)
    fourth = story.tell()
    feed, _ = await _follow(Script([state, kept[-1], fourth], kept=kept))
    assert [tick.number for tick in feed.view.ticks] == [1, 2, 3, 4]


async def test_a_turn_missed_while_lost_is_fetched() -> None:
    story = _story(2)
    first = story.state()
    later = _story(5)
    fleet = Script([first], UserError("no fleet"), [later.state()], kept=later.ticks)
    feed, lost = await _follow(fleet)
    assert [tick.number for tick in feed.view.ticks] == [1, 2, 3, 4, 5]
    assert "no fleet" in lost


async def test_a_fleet_that_was_started_again_begins_anew() -> None:
    old, new = _story(5), _story(2, start=9000.0)

    class Both(Script):
        async def ticks(self, since: int = 0) -> Sequence[TickState]:
            told = new if not self.parts else old
            return [tick for tick in told.ticks if tick.number > since]

    feed, _ = await _follow(Both([old.state()], [new.state()]))
    assert [tick.time for tick in feed.view.ticks] == [9000.0, 9015.0]


async def test_what_is_lost_says_why_and_keeps_what_was_seen() -> None:
    feed, _ = await _follow(Script([_story(2).state()], *[UserError("nobody answers")] * 99), turns=40)
    view = feed.view
    assert view.lost == "nobody answers"
    assert view.lost_for_s > 0
    assert view.state is not None


async def test_what_cannot_be_read_is_said_and_does_not_end_the_page() -> None:
    class Newer(Script):
        async def events(self) -> AsyncIterator[LiveState | TickState]:
            raise ValueError("no such field")
            yield

    feed, _ = await _follow(Newer())
    assert feed.view.lost is not None
    assert feed.view.lost.startswith("what it says cannot be read (no such field)")


async def test_silence_counts_as_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wva.web.feed.SILENCE_S", 0.02)
    feed = Feed(Script(), Clock())
    task = asyncio.create_task(feed.follow())
    await asyncio.sleep(0.3)
    task.cancel()
    assert feed.view.lost == "it has said nothing for 0.02 s"


async def test_a_page_that_fails_does_not_stop_the_others() -> None:
    feed = Feed(Script([_story(1).state()]), Clock())
    seen: list[bool] = []

    def fail() -> None:
        raise RuntimeError("this page is broken")

    feed.subscribe(fail)
    end = feed.subscribe(lambda: seen.append(True))
    task = asyncio.create_task(feed.follow())
    for _ in range(20):
        await asyncio.sleep(0)
    end()
    task.cancel()
    assert seen


async def test_orders_need_the_token_and_say_why_they_are_not_taken() -> None:
    class Fleet:
        async def pause(self) -> None: ...
        async def resume(self) -> None: ...
        async def unpin(self, variant: str) -> None: ...
        async def pin(self, variant: str, count: int) -> None:
            raise UserError(f"{variant} may have 0 to 6 replicas")

    def unlock(token: str) -> Fleet | None:
        return Fleet() if token == "right" else None

    assert await carry_out(lambda fleet: fleet.pause(), unlock, "right") is None
    refused = await carry_out(lambda fleet: fleet.pause(), unlock, "wrong")
    assert refused is not None
    assert refused.wrong_token
    assert await carry_out(lambda fleet: fleet.pin("a100", 9), unlock, "right") == Refusal(
        "a100 may have 0 to 6 replicas"
    )
