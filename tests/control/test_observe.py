"""Which readings become part of an observation."""

from dataclasses import replace

from tests.record.builders import MODEL, TRAFFIC, metrics, replica, seen
from wva.control.observe import observed_models, observed_variants
from wva.control.seams import FleetState
from wva.fleet.inventory import Inventory
from wva.fleet.readings import InstanceReading, Readings
from wva.fleet.replica import Phase


def test_only_replicas_that_are_there_and_serve_get_metrics() -> None:
    phases = {"a": Phase.READY, "b": Phase.DRAINING, "c": Phase.STARTING, "d": Phase.PENDING, "e": Phase.READY}
    bare = [replica(name, None, phase) for name, phase in phases.items()]
    bare = [replace(r, instances=tuple(replace(i, metrics=None) for i in r.instances)) for r in bare]
    # The series of "gone" outlives its replica, and nobody has asked "e" yet.
    read = {f"{name}-engine": InstanceReading(metrics(1.0), 500) for name in ("a", "b", "c", "d", "gone")}
    state = FleetState((MODEL,), (seen(bare),), Inventory(), ())
    (variant,) = observed_variants(state, Readings(read, {}), {})
    known = {r.id: r.instances[0].metrics is not None for r in variant.replicas}
    assert known == {"a": True, "b": True, "c": False, "d": False, "e": False}
    capacities = [r.instances[0].kv_capacity_tokens for r in variant.replicas]
    # What the body knows of the size is kept where nobody measured it.
    assert capacities == [500, 500, None, None, 1000]


def test_traffic_that_nobody_measured_is_unknown() -> None:
    other = replace(MODEL, name="other")
    first, second = observed_models((MODEL, other), Readings({}, {"llama": TRAFFIC, "third": TRAFFIC}))
    assert (first.traffic, second.traffic) == (TRAFFIC, None)


def test_a_pin_is_the_minimum_and_the_maximum() -> None:
    state = FleetState((MODEL,), (seen([replica("a")]), seen([replica("b")], name="slow")), Inventory(), ())
    fast, slow = observed_variants(state, Readings({}, {}), {"slow": 0, "gone": 3})
    assert (fast.variant.min_replicas, fast.variant.max_replicas) == (0, 10)
    assert (slow.variant.min_replicas, slow.variant.max_replicas) == (0, 0)
