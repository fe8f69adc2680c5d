"""The queue by itself: who goes first, and what fits."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wva.gateway.ask import Flow
from wva.gateway.flow import FairQueue


@dataclass(frozen=True, eq=False)
class Item:
    name: str
    client: str = "a"
    priority: int = 0
    size: int = 1
    arrived_at: float = 0.0

    @property
    def flow(self) -> Flow:
        return Flow(None, self.client)


def queue_of(*items: Item, requests: int = 100, size: int = 1000) -> FairQueue[Item]:
    queue: FairQueue[Item] = FairQueue(requests, size)
    for item in items:
        queue.push(item)
    return queue


def order(queue: FairQueue[Item]) -> str:
    return " ".join(queue.pop().name for _ in range(len(queue)))


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        pytest.param([Item("1"), Item("2"), Item("3")], "1 2 3", id="of one client in the order of arrival"),
        pytest.param(
            [Item("a1"), Item("a2"), Item("a3"), Item("b1", "b"), Item("b2", "b")],
            "a1 b1 a2 b2 a3",
            id="clients take turns",
        ),
        pytest.param(
            [Item("low"), Item("high", priority=1), Item("below", priority=-1)], "high low below", id="higher first"
        ),
        pytest.param(
            [Item("1", arrived_at=1), Item("2", arrived_at=2), Item("0", arrived_at=0.5)],
            "0 1 2",
            id="one that comes back gets its old place",
        ),
    ],
)
def test_whose_turn_it_is(items: list[Item], expected: str) -> None:
    assert order(queue_of(*items)) == expected


def test_a_client_that_comes_back_does_not_go_before_those_who_waited() -> None:
    queue = queue_of(Item("a1"), Item("b1", "b"), Item("c1", "c"))
    assert queue.pop().name == "a1"
    queue.push(Item("a2"))
    assert order(queue) == "b1 c1 a2"


def test_the_bounds_hold_for_each_priority() -> None:
    queue = queue_of(Item("1"), Item("2"), requests=2)
    assert not queue.has_room(Item("3"))
    assert queue.has_room(Item("3", priority=1))


def test_bytes_are_bounded_but_one_request_of_any_size_fits() -> None:
    large = Item("large", size=5000)
    queue = queue_of(size=1000)
    assert queue.has_room(large)
    queue.push(large)
    assert not queue.has_room(Item("small"))
    queue.discard(large)
    assert queue.has_room(Item("small", size=1000))


def test_what_is_not_held_is_discarded_in_silence() -> None:
    queue = queue_of(Item("1"))
    queue.discard(Item("2"))
    queue.discard(Item("3", "b", 7))
    assert order(queue) == "1"
    with pytest.raises(IndexError):
        queue.pop()


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"), st.integers(0, 2), st.integers(1, 9), st.sampled_from(("push", "pop", "drop"))
        )
    )
)
def test_whatever_happens_the_counts_are_right_and_nobody_is_lost(steps: list[tuple[str, int, int, str]]) -> None:
    queue: FairQueue[Item] = FairQueue(5, 30)
    held: list[Item] = []
    for number, (client, priority, size, step) in enumerate(steps):
        if step == "push":
            item = Item(str(number), client, priority, size, float(number))
            band = [one for one in held if one.priority == priority]
            fits = not band or (len(band) < 5 and sum(one.size for one in band) + size <= 30)
            assert queue.has_room(item) is fits
            if fits:
                queue.push(item)
                held.append(item)
        elif held and step == "pop":
            item = queue.pop()
            held.remove(item)
            assert all(one.priority <= item.priority for one in held)
            older = [one for one in held if one.client == item.client and one.priority == item.priority]
            assert all(one.arrived_at > item.arrived_at for one in older)
        elif held:
            queue.discard(held.pop(size % len(held)))
        assert len(queue) == len(held) == sum(flow.requests for flow in queue.flows())
        assert sum(one.size for one in held) == sum(flow.size for flow in queue.flows())
