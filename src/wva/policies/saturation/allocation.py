"""Which variants grow or shrink: the reference's cost-aware optimizer (``cost_aware_optimizer.go``, August 2026)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor

from wva.fleet.variant import Role


@dataclass(frozen=True, slots=True)
class Candidate:
    """A variant as the optimizer sees it."""

    name: str
    role: Role
    cost: float
    """Per replica; only the order and the ratio to room matter."""
    room: float
    """KV tokens that a replica takes; a variant with none neither grows nor shrinks."""
    current: int
    lowest: int
    highest: int


def grown(candidates: Sequence[Candidate], required: Mapping[Role, float]) -> dict[str, int]:
    """Counts that add what each role requires in tokens, all roles in step.

    Of each role the variant with the least cost per token that is below its maximum takes replicas, as many for every
    role as the one that gets the least of what it requires can use; then again, until nothing is required or some role
    has no variant left, which ends it for all. Defects *cheapest without rounding* and *instances are not replicas*.
    Equal cost per token goes by name, which the reference leaves to chance.
    """
    counts = {candidate.name: candidate.current for candidate in candidates}
    missing = dict(required)
    while any(tokens > 0 for tokens in missing.values()):
        picks = {role: _cheapest(candidates, role, counts) for role in missing}
        chosen = {role: pick for role, pick in picks.items() if pick is not None}
        if len(chosen) < len(missing):
            break
        most = {role: _replicas(pick, missing[role], counts) for role, pick in chosen.items()}
        shares = [most[role] * pick.room / missing[role] for role, pick in chosen.items() if missing[role] > 0]
        share = min([*shares, *(1.0 for tokens in missing.values() if tokens <= 0)])
        for role, pick in chosen.items():
            if missing[role] > 0:
                added = max(floor(share * missing[role] / pick.room), min(1, most[role]))
                counts[pick.name] += added
                missing[role] = max(0.0, missing[role] - added * pick.room)
    return counts


def shrunk(candidates: Sequence[Candidate], spare: Mapping[Role, float]) -> dict[str, int]:
    """Counts that give up what each role has to spare in tokens, whole replicas from the dearest variant on.

    Equal cost goes by less room, then by name. The last variant keeps a replica when no other of its role has any.
    """
    counts = {candidate.name: candidate.current for candidate in candidates}
    for role, tokens in spare.items():
        own = sorted((c for c in candidates if c.role is role), key=lambda c: (-c.cost, c.room, c.name))
        left = tokens
        for candidate in own:
            if candidate.room <= 0 or left <= 0:
                continue
            count = counts[candidate.name]
            removed = min(floor(left / candidate.room), count - candidate.lowest)
            others = any(counts[other.name] > 0 for other in own[:-1])
            if candidate is own[-1] and count - removed < 1 and not others:
                removed = count - 1
            if removed > 0:
                counts[candidate.name] = count - removed
                left = max(0.0, left - removed * candidate.room)
    return counts


def _cheapest(candidates: Sequence[Candidate], role: Role, counts: Mapping[str, int]) -> Candidate | None:
    """The variant of the role with the least cost per token that may grow."""
    able = [c for c in candidates if c.role is role and c.room > 0 and counts[c.name] < c.highest]
    return min(able, key=lambda c: (c.cost / c.room, c.name), default=None)


def _replicas(candidate: Candidate, tokens: float, counts: Mapping[str, int]) -> int:
    """Replicas of the variant that those tokens need, as far as its maximum allows."""
    return min(ceil(tokens / candidate.room), candidate.highest - counts[candidate.name])
