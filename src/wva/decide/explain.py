"""Reasons in plain words: the figures, what bound the choice, and what it would take to change it."""

from collections.abc import Mapping, Sequence

from wva.decide.capacity import ReplicaCapacity
from wva.decide.choice import Option, capacity_of, covers
from wva.decide.demand import Demand
from wva.decide.need import Requirement
from wva.fleet.reason import Reason


def blind(what: str) -> Reason:
    """Why the count is kept although nothing can be said of the load."""
    return Reason("blind", f"held: {what}")


def woken() -> Reason:
    """Why a model without replicas gets one."""
    return Reason("wake", "a request waits and there is no replica of any variant")


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


def needed(requirement: Requirement, held: float) -> Reason:
    """What capacity that calls for, and which part of the load decides it."""
    filling = requirement.occupied > requirement.sustained
    driver = "a filling KV cache" if filling else "the expected load"
    backlog = f", {requirement.backlog:.3g} of it for the gateway's backlog" if requirement.backlog > 0 else ""
    kept = f"; {held:.3g} was needed lately and is kept" if held > requirement.total else ""
    return Reason("need", f"{driver} needs capacity for {requirement.total:.3g} requests/s{backlog}{kept}")


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


def choice(
    options: Sequence[Option], before: Mapping[str, int], after: Mapping[str, int], name: str, need: float
) -> Reason:
    """What was chosen for the variant, and what would flip it."""
    had, has = capacity_of(options, before), capacity_of(options, after)
    change = after[name] - before[name]
    if change > 0:
        return Reason("grow", f"{change} more: capacity {had:.3g} falls short of {need:.3g} requests/s")
    if change < 0:
        return Reason("shrink", f"{-change} fewer: {has:.3g} left covers the {need:.3g} requests/s needed")
    if covers(has, need):
        return Reason("hold", f"kept: capacity {has:.3g}, {max(0.0, has - need):.3g} requests/s to spare")
    return Reason("short", f"kept: capacity {has:.3g}, {need - has:.3g} requests/s are missing and no more can be had")
