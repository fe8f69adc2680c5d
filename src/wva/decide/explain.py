"""Reasons in plain words: the figures, what bound the choice, and what it would take to change it."""

from collections import Counter
from collections.abc import Mapping, Sequence

from wva.decide.capacity import ReplicaCapacity
from wva.decide.choice import Option, capacity_of, covers
from wva.decide.claim import Claim, Gift, Slot
from wva.decide.demand import Demand
from wva.decide.need import TRACE_OF_LOAD, Requirement
from wva.fleet.reason import Reason


def blind(what: str) -> Reason:
    """Why the count is kept although nothing can be said of the load."""
    return Reason("blind", f"held: {what}")


def woken() -> Reason:
    """Why a model without replicas gets one."""
    return Reason("wake", "a request waits and there is no replica of any variant")


def idle(retention_s: float) -> Reason:
    """Why a model needs no replica."""
    return Reason("idle", f"no request came, waited or ran for {retention_s:g} s, after which none is kept for it")


def idle_choice(claim: Claim, name: str) -> Reason:
    """What was decided for a variant of such a model."""
    if claim.given(name) or name in claim.withdrawn:
        return _given_up(claim, name)
    count, gone = claim.counts[name], claim.before[name] - claim.counts[name]
    (least,) = (option.least for option in claim.options if option.name == name)
    if gone:
        return Reason("shrink", f"{gone} fewer, as nobody asks for the model")
    return Reason("hold", f"kept: {count} is the fewest that it may have" if count == least else f"kept at {count}")


def guard(what: str) -> Reason:
    """Why nothing may be given up."""
    return Reason("guard", f"not shrunk: {what}")


def load(demand: Demand, horizon_s: float) -> Reason:
    """The load as it was measured."""
    trend = f", growing by {60.0 * demand.trend:.2g} a minute" if demand.trend > 0.0 else ""
    return Reason(
        "demand",
        f"load {demand.level:.3g} requests/s{trend}, {demand.fast:.3g} lately, "
        f"{demand.expected:.3g} expected in {horizon_s:.0f} s, bursts of ±{demand.deviation:.0%}",
    )


def needed(requirement: Requirement, held: float, left: float, dear: float) -> Reason:
    """What capacity that calls for, and which part of the load decides it.

    ``left`` of it is left to the headroom, and ``dear`` of it is not worth its price.
    """
    waits = requirement.waiting >= requirement.headroom > 0.0
    room = "room for prompts not to wait for each other," if waits else "headroom,"
    drivers = {
        f"the level of the load, with {room}": requirement.steady,
        "the load that is coming": requirement.coming,
        "a load beyond its usual bursts": requirement.surprise,
        "a filling KV cache": requirement.occupied,
    }
    driver = max(drivers, key=lambda name: drivers[name])
    backlog = f", {requirement.backlog:.3g} of it for the gateway's backlog" if requirement.backlog > 0 else ""
    kept = f"; {held:.3g} was needed lately and is kept" if held > max(requirement.total, TRACE_OF_LOAD) else ""
    tolerated = f"; {left:.2g} short of it is left to the headroom" if left > 0 else ""
    spared = f"; {dear:.2g} more kept free would cost too much of what can still be had" if dear > 0 else ""
    return Reason("need", f"{driver} needs capacity for {_load(requirement.total)}{backlog}{spared}{tolerated}{kept}")


def lost(counts: Mapping[str, int]) -> Reason:
    """Replicas of each variant that are not counted on though they have hardware."""
    told = ", ".join(f"{_replicas(count)} of {name}" for name, count in counts.items() if count)
    return Reason("lost", f"not counted on, as starts fail or take far longer than usual: {told}")


def _load(rate: float) -> str:
    return "a first request" if 0.0 < rate <= TRACE_OF_LOAD else f"{rate:.3g} requests/s"


def supply(option: Option, capacity: ReplicaCapacity, dearest: bool, slowness: float) -> Reason:
    """What one replica of the variant gives and what it costs."""
    price = option.cost / option.unit / 3.6
    rank = "the dearest" if dearest else "not the dearest"
    measured = f", measured {slowness:.2f} times as slow as modelled" if slowness != 1.0 else ""
    return Reason(
        "capacity",
        f"a replica serves {option.unit:.3g} requests/s until {capacity.binding.value} binds{measured}, "
        f"at {price:.3g} per thousand requests ({rank} variant)",
    )


def choice(claim: Claim, name: str) -> Reason:
    """What was decided for the variant, for or at the cost of whom, and what would flip it."""
    found = _choice(claim, name)
    figures = (("capacity", capacity_of(claim.options, claim.counts)), ("required", claim.need))
    return Reason(found.code, found.text, figures)


def _choice(claim: Claim, name: str) -> Reason:
    if claim.given(name) or name in claim.withdrawn:
        return _given_up(claim, name)
    options, need, after = claim.options, claim.need, claim.counts
    had, has = capacity_of(options, claim.before), capacity_of(options, after)
    change, slots = after[name] - claim.before[name], claim.slots.get(name, [])
    short = f"capacity {had:.3g} falls short of {_load(need)}"
    if change > 0:
        return Reason("grow", f"{change} more: {short}" + (f"; {_waiting(slots)}" if slots else ""))
    if slots:
        return Reason("grow", f"{_waiting(slots)}: {short}")
    if change < 0:
        return Reason("shrink", f"{-change} fewer: {has:.3g} left covers the need of {_load(need)}")
    if covers(has, need):
        return Reason("hold", f"kept: capacity {has:.3g}, {max(0.0, has - need):.3g} requests/s to spare")
    return Reason("short", f"kept: capacity {has:.3g}, {need - has:.3g} requests/s are missing and no more can be had")


def _given_up(claim: Claim, name: str) -> Reason:
    """Why replicas go although they may be needed."""
    gifts = Counter((gift.to.name, _why(gift, claim)) for gift in claim.gifts if gift.tenant.variant == name)
    told = [f"gives up {_replicas(count)} to {to}, {why}" for (to, why), count in gifts.items()]
    if name in claim.withdrawn:
        taker = claim.withdrawn[name]
        told.append(f"no longer waits for hardware, which goes to {taker.name}, priority {taker.priority}")
    left, need = max(0.0, claim.share()), claim.held - claim.stuck
    return Reason("yield", f"{' and '.join(told)}: what is left covers {min(left, 1.0):.0%} of {need:.3g} requests/s")


def _why(gift: Gift, claim: Claim) -> str:
    if gift.for_minimum:
        return "which is below its minimum"
    return "equal in priority" if gift.to.priority == claim.model.priority else f"priority {gift.to.priority}"


def _waiting(slots: Sequence[Slot]) -> str:
    """What is to come, and on what it waits."""
    givers = Counter((model.name, model.priority) for slot in slots for model in slot.givers)
    awaited = list(dict.fromkeys(name for slot in slots for name in slot.awaits))
    when = f"once {', '.join(awaited)} {'is' if len(awaited) == 1 else 'are'} gone" if awaited else "in their place"
    given = [f"{name} (priority {priority}) gives up {_replicas(count)}" for (name, priority), count in givers.items()]
    return f"{len(slots)} more {when}" + (f", as {' and '.join(given)}" if given else "")


def _replicas(count: int) -> str:
    return "1 replica" if count == 1 else f"{count} replicas"
