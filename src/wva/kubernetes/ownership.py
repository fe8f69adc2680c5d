"""Who writes a target's replica count: one owner for every way of acting and every kind of change.

WVA alone wakes a target from zero, whoever follows its gauge: an HPA is off at zero, and KEDA looks only every few
seconds. It writes 1 and no more, after a desired count of 1 or more is published, so that the follower agrees.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from wva.kubernetes.conditions import Aspect, Because, Condition
from wva.kubernetes.objects.scaler import Scaler, ScalerKind, Target
from wva.kubernetes.objects.workload import Workload

GAUGE = "wva_desired_replicas"


class Mode(StrEnum):
    """How a variant's counts come true."""

    ADVISORY = "advisory"
    """They are shown, and people act."""
    HPA = "hpa"
    """An HPA follows the gauge."""
    KEDA = "keda"
    """A ScaledObject does."""
    DIRECT = "direct"
    """WVA writes them itself."""


class Change(StrEnum):
    """Kinds of change of a count."""

    FROM_ZERO = "0 to 1"
    BETWEEN = "1 to N"
    TO_ZERO = "N to 0"


class Owner(StrEnum):
    """Who carries a change out."""

    WVA = "wva"
    HPA = "hpa"
    KEDA = "keda"
    USER = "user"


OWNERS: Mapping[tuple[Mode, Change], Owner] = {
    (Mode.ADVISORY, Change.FROM_ZERO): Owner.USER,
    (Mode.ADVISORY, Change.BETWEEN): Owner.USER,
    (Mode.ADVISORY, Change.TO_ZERO): Owner.USER,
    (Mode.HPA, Change.FROM_ZERO): Owner.WVA,
    (Mode.HPA, Change.BETWEEN): Owner.HPA,
    (Mode.HPA, Change.TO_ZERO): Owner.HPA,
    (Mode.KEDA, Change.FROM_ZERO): Owner.WVA,
    (Mode.KEDA, Change.BETWEEN): Owner.KEDA,
    (Mode.KEDA, Change.TO_ZERO): Owner.KEDA,
    (Mode.DIRECT, Change.FROM_ZERO): Owner.WVA,
    (Mode.DIRECT, Change.BETWEEN): Owner.WVA,
    (Mode.DIRECT, Change.TO_ZERO): Owner.WVA,
}
"""Every cell has one."""


def change(current: int, target: int) -> Change:
    """What kind of change leads from one count to another."""
    if current == 0 and target > 0:
        return Change.FROM_ZERO
    return Change.TO_ZERO if current > 0 and target == 0 else Change.BETWEEN


def to_write(mode: Mode, current: int, target: int, published: int | None) -> int | None:
    """The count that WVA writes now; ``None`` where it writes nothing.

    ``published`` is what the gauge says by now, ``None`` where it says nothing.
    """
    if current == target or OWNERS[mode, change(current, target)] is not Owner.WVA:
        return None
    if mode is Mode.DIRECT:
        return target
    return 1 if published is not None and published >= 1 else None


def follows(scaler: Scaler, variant: str) -> bool:
    """Whether a scaler takes its count from the gauge of that variant (``metadata.name`` of what declares it)."""
    for metric in scaler.metrics:
        if metric.name == GAUGE and dict(metric.labels).get("variant_name", variant) == variant:
            return True
    return any(GAUGE in query and _named(query, variant) for query in scaler.queries)


def followers(scalers: Sequence[Scaler], target: Target, variant: str) -> tuple[Scaler, ...]:
    """The scalers of a target that follow the variant's gauge; more than one contend for it."""
    return tuple(each for each in scalers if each.target.same(target) and follows(each, variant))


def remarks(follower: Scaler) -> tuple[str, ...]:
    """What its user should know of a follower, one line each."""
    name = f"{follower.kind} {follower.meta.name}"
    said = [] if follower.problem is None else [f"{name}: {follower.problem}"]
    if follower.nothing_is_zero:
        said.append(f'{name} takes a gauge that is not there for 0; set ignoreNullValues: "false" in its trigger')
    return tuple(said)


def mode_of(wanted_direct: bool, follows: bool, following: Sequence[Scaler]) -> Mode:
    """How a variant's counts come true; ``follows`` says whether a follower may have them, where there is one."""
    if not follows:
        return Mode.ADVISORY
    if wanted_direct:
        return Mode.DIRECT
    if not following:
        return Mode.ADVISORY
    return Mode.KEDA if following[0].kind is ScalerKind.KEDA else Mode.HPA


@dataclass(frozen=True, slots=True)
class Truce:
    """What WVA wrote, and how long it holds back after somebody else changed it. Times in seconds since the epoch."""

    written: int | None = None
    """Newest count that WVA wrote; ``None`` where it has not, or has taken note of another's."""
    replaced: int | None = None
    """The count before that write."""
    written_at: float = 0.0
    until: float = 0.0
    """When it writes again."""
    changes: int = 0
    """Changes by others that came soon after one another."""
    found: int | None = None
    """What somebody else set it to."""
    inherited: bool = False
    """Whether a predecessor wrote last, who may have ended before he took note of it."""


FIRST_TRUCE_S = 600.0
LONGEST_TRUCE_S = 3600.0
SETTLE_S = 10.0
"""Seconds after a write for which the count before it may still be seen: a watch runs behind."""


def wrote(truce: Truce, count: int, replaced: int, now: float) -> Truce:
    """Remember a write that the API server has accepted, and the count that it replaced."""
    return replace(truce, written=count, replaced=replaced, written_at=now)


def handed_over(truce: Truce) -> Truce:
    """What a successor begins with."""
    return replace(truce, inherited=True)


def seen(truce: Truce, count: int, now: float) -> Truce:
    """Take in the count that the target has: another one than was written is somebody else's.

    The pause doubles where the change comes within twice the last pause after it, so that two controllers that
    disagree do not go on to write in turns.
    """
    behind = count == truce.replaced and now - truce.written_at < SETTLE_S
    if truce.inherited:
        # Another count may be the predecessor's own, so it is no reason to hold back.
        return replace(truce, written=count if count == truce.written else None, inherited=False)
    if truce.written is None or count == truce.written or behind:
        return truce
    last = _pause_s(truce.changes)
    changes = truce.changes + 1 if truce.changes and now <= truce.until + 2 * last else 1
    return Truce(written=None, until=now + _pause_s(changes), changes=changes, found=count)


def _pause_s(changes: int) -> float:
    return min(LONGEST_TRUCE_S, FIRST_TRUCE_S * 2.0 ** min(max(0, changes - 1), 30))


def conflict(
    mode: Mode, workload: Workload, scalers: Sequence[Scaler], following: Sequence[Scaler], truce: Truce, now: float
) -> Condition:
    """Whether somebody else acts on the count. While it holds, WVA writes nothing."""
    foreign = _foreign(mode, workload, scalers, following)
    if mode is not Mode.ADVISORY and foreign:
        names = ", ".join(f"{each.kind} {each.meta.name}" for each in foreign)
        return Condition(
            Aspect.CONFLICT, True, Because.FOREIGN_SCALER, f"also scaled by {names}; delete it or let it follow {GAUGE}"
        )
    owner = workload.meta.owner
    if mode is Mode.DIRECT and owner is not None:
        message = f"{workload.kind} {workload.meta.name} belongs to {owner.kind} {owner.name}, which sets its count"
        return Condition(Aspect.CONFLICT, True, Because.OWNED, message)
    if mode is Mode.DIRECT and now < truce.until:
        message = (
            f"somebody else set the count to {truce.found}; nothing is written for another {truce.until - now:.0f} s"
        )
        return Condition(Aspect.CONFLICT, True, Because.CHANGED, message)
    return Condition(Aspect.CONFLICT, False, Because.NO_CONFLICT)


def _foreign(
    mode: Mode, workload: Workload, scalers: Sequence[Scaler], following: Sequence[Scaler]
) -> tuple[Scaler, ...]:
    target = Target(workload.api_version, workload.kind, *workload.meta.key)
    allowed = () if mode is Mode.DIRECT else following[:1]
    kept = {(each.kind, each.meta.name) for each in allowed}

    def made_by_kept(scaler: Scaler) -> bool:
        owner = scaler.meta.owner
        return owner is not None and any((kind.value, name) == (owner.kind, owner.name) for kind, name in kept)

    return tuple(
        each
        for each in scalers
        if each.target.same(target) and (each.kind, each.meta.name) not in kept and not made_by_kept(each)
    )


def _named(query: str, variant: str) -> bool:
    """Whether a query asks for that variant, or for no one in particular."""
    return "variant_name" not in query or f'"{variant}"' in query or f"'{variant}'" in query
