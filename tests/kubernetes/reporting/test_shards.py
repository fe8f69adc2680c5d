"""Every document is in one ConfigMap, none of which is too large, and stays there while it can."""

from hypothesis import given
from hypothesis import strategies as st

from wva.kubernetes.reporting.shards import merged, spread

DOCUMENTS = st.dictionaries(st.text("abcd", min_size=1, max_size=2), st.text("x", max_size=30), max_size=12)
LARGEST = 50


def test_one_is_enough_as_long_as_it_is() -> None:
    assert spread([], {}) == []
    assert spread([], {"a": "1", "b": "2"}) == [{"a": "1", "b": "2"}]
    assert spread([{"a": "1"}], {}) == [{}]


def test_what_has_no_room_any_more_moves_on() -> None:
    before = [{"a": "x" * 20, "b": "x" * 20}, {"c": "x" * 20}]
    after = spread(before, {"a": "x" * 20, "b": "x" * 40, "c": "x" * 20}, LARGEST)
    assert after == [{"a": "x" * 20}, {"c": "x" * 20}, {"b": "x" * 40}]


def test_one_that_is_too_large_for_any_has_its_own_and_stays_there() -> None:
    huge = {"a": "x" * 100}
    first = spread([], huge, LARGEST)
    assert spread(first, huge, LARGEST) == first


def test_the_later_of_two_counts() -> None:
    assert merged([{"a": "old", "b": "1"}, {"a": "new"}]) == {"a": "new", "b": "1"}


@given(st.lists(DOCUMENTS, min_size=1, max_size=6))
def test_documents_over_time(steps: list[dict[str, str]]) -> None:
    shards: list[dict[str, str]] = []
    for wanted in steps:
        before, shards = shards, spread(shards, wanted, LARGEST)
        assert merged(shards) == wanted
        assert sum(len(shard) for shard in shards) == len(wanted), "each once"
        assert all(sum(len(key) + len(text) for key, text in shard.items()) <= LARGEST for shard in shards)
        assert len(shards) >= len(before)
        homes = {key: place for place, shard in enumerate(before) for key in shard}
        for place, shard in enumerate(shards):
            assert all(homes.get(key, 0) <= place for key in shard), "moves are to later ones"
        assert spread(shards, wanted, LARGEST) == shards, "nothing moves by itself"
