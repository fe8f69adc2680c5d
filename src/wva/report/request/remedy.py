"""Which decision would have saved a request, what it saw, and whether it could have known."""

from collections.abc import Sequence

from wva.report.request.decisions import decision_facts
from wva.report.request.facts import AloneOn, OrderFacts, Remedy, RequestFacts, Verdict
from wva.simulate.inquiry import Inquiry, Order
from wva.simulate.misses import Cause
from wva.simulate.pressure import overload_began, pressure, replica_rates
from wva.simulate.recorded import RecordedRun
from wva.simulate.result import RunResult

_BEYOND_HELP = {
    Cause.TOO_LONG: Verdict.TOO_LONG,
    Cause.CRASH: Verdict.CRASH,
    Cause.IMPOSSIBLE: Verdict.IMPOSSIBLE,
}
"""Misses that no number of replicas is the answer to."""


def find_remedy(
    run: RecordedRun, result: RunResult, inquiry: Inquiry, facts: RequestFacts, alone: Sequence[AloneOn]
) -> Remedy:
    """Search for the orders that would have met the request; ``alone`` is it on each of the inquiry's variants."""
    if facts.cause is None:
        return Remedy(Verdict.MET)
    if facts.cause in _BEYOND_HELP:
        return Remedy(_BEYOND_HELP[facts.cause])
    able = [variant for variant, one in zip(inquiry.variants, alone, strict=True) if one.met]
    orders = [order for variant in able for order in inquiry.orders(variant)]
    earliest_s = next((d.time for _, d in inquiry.decisions if d.time <= facts.arrival_s), None)
    if not orders:
        return Remedy(Verdict.NOTHING, earliest_s=earliest_s, simulations=inquiry.simulations)
    orders.sort(key=lambda order: (-order.time, _cost(run, order)))
    record = result.requests[facts.id]
    rates = replica_rates(run.setting, result.requests, int(record["model"]), int(record["arrival"]))
    seen = [pressure(decision, run.setting.models[int(record["model"])], rates) for _, decision in inquiry.decisions]
    until_arrival = [one for one, (_, d) in zip(seen, inquiry.decisions, strict=True) if d.time <= facts.arrival_s]
    row = overload_began(until_arrival)
    overload_s = None if row is None else inquiry.decisions[row][1].time
    place = next(i for i, (number, _) in enumerate(inquiry.decisions) if number == orders[0].decision)
    saved = seen[place].overload or (overload_s is not None and orders[0].time >= overload_s)
    standing = None if saved else _standing(run, inquiry, able)
    return Remedy(
        Verdict.SAVED if saved else Verdict.HEADROOM,
        orders=tuple(_order_facts(run, order) for order in orders),
        decision=decision_facts(*inquiry.decisions[place], list(rates)),
        seen=seen[place],
        overload_s=overload_s,
        standing=standing,
        earliest_s=earliest_s,
        simulations=inquiry.simulations,
    )


def _cost(run: RecordedRun, order: Order) -> float:
    return order.replicas * run.setting.variants[order.variant].cost_per_hour


def _standing(run: RecordedRun, inquiry: Inquiry, variants: Sequence[int]) -> dict[str, int]:
    found = {run.setting.variants[variant].name: inquiry.standing(variant) for variant in variants}
    return {name: count for name, count in found.items() if count is not None}


def _order_facts(run: RecordedRun, order: Order) -> OrderFacts:
    return OrderFacts(
        variant=run.setting.variants[order.variant].name,
        replicas=order.replicas,
        decision=order.decision,
        time_s=order.time,
        kept=order.kept,
        startup_s=run.setting.variants[order.variant].startup_s,
        cost_per_hour=_cost(run, order),
        fate=order.fate,
        later=order.later,
        later_replicas=order.later_replicas,
    )
