"""How documents are spread over ConfigMaps, which hold a mebibyte each."""

from collections.abc import Mapping, Sequence

LARGEST = 900 * 1024
"""Bytes of data in one ConfigMap; the API server takes a mebibyte with all that is around them."""

Shard = Mapping[str, str]
"""Documents of one ConfigMap, by key."""


def spread(before: Sequence[Shard], wanted: Mapping[str, str], largest: int = LARGEST) -> list[dict[str, str]]:
    """The documents by ConfigMap, with few changes to those before. There are never fewer of them.

    A document stays where it is while there is room, and moves to a later ConfigMap where there is none: one that is in
    two, because a move was interrupted, is newer in the later.
    """
    homes = {key: place for place, shard in enumerate(before) for key in shard}
    shards: list[dict[str, str]] = [{} for _ in before]
    taken = [0 for _ in before]
    # Later ones first, so that what has to move takes the place of none that is there; new ones last.
    for key in sorted(wanted, key=lambda key: (-homes.get(key, -1), key)):
        text = wanted[key]
        size = len(key.encode()) + len(text.encode())
        place = homes.get(key, 0)
        while place < len(shards) and taken[place] and taken[place] + size > largest:
            place += 1
        if place == len(shards):
            shards.append({})
            taken.append(0)
        shards[place][key] = text
        taken[place] += size
    return shards


def merged(shards: Sequence[Shard]) -> dict[str, str]:
    """All documents; where one is in two, the later counts."""
    return {key: text for shard in shards for key, text in shard.items()}
