"""A replica is billed from its start order to its release; while it waits for stock it costs nothing."""

from collections.abc import Callable

import pytest

from tests.simulate.fleets import Rig, variant


def ready_all_along() -> Rig:
    return Rig(v=2).until(100)


def started_later() -> Rig:
    """Ordered at 20, ready at 30."""
    rig = Rig(v=0).until(20)
    rig.scale(v=1)
    return rig.until(100)


def still_starting() -> Rig:
    """Ordered at 95, so it would be ready at 105."""
    rig = Rig(v=0).until(95)
    rig.scale(v=1)
    return rig.until(100)


def cancelled_while_starting() -> Rig:
    """Ordered at 20, given up at 27."""
    rig = Rig(v=0).until(20)
    rig.scale(v=1)
    rig.until(27)
    rig.scale(v=0)
    return rig.until(100)


def drained() -> Rig:
    """Stopped at 10 with an answer under way that ends at 40."""
    rig = Rig(requests=[(0, 10, 4000)], v=1).until(10)
    rig.scale(v=0)
    return rig.until(100)


def still_draining() -> Rig:
    """Stopped at 10 with an answer under way beyond the end."""
    rig = Rig(requests=[(0, 10, 9000)], v=1).until(10)
    rig.scale(v=0)
    return rig.until(50)


def waited_for_stock() -> Rig:
    """Ordered at 20, hardware at 60 when the other goes (which was ready since 0), ready at 70."""
    rig = Rig(variant("other"), variant("v"), nodes=[("gpu", 1, 1)], other=1).until(20)
    rig.scale(v=1)
    rig.until(60)
    rig.scale(other=0)
    return rig.until(100)


def never_got_hardware() -> Rig:
    rig = Rig(variant("other"), variant("v"), nodes=[("gpu", 1, 1)], other=1).until(20)
    rig.scale(v=3)
    return rig.until(100)


def gave_up_waiting() -> Rig:
    rig = never_got_hardware()
    rig.scale(v=0)
    return rig.until(120)


def crashed() -> Rig:
    """Ready from 0 to 30 and again from 40."""
    rig = Rig(v=1).until(30)
    rig.crash()
    return rig.until(100)


def crashed_and_stopped() -> Rig:
    """Ready from 0 to 30, stopped at 35 while it starts anew."""
    rig = Rig(v=1).until(30)
    rig.crash()
    rig.until(35)
    rig.scale(v=0)
    return rig.until(100)


@pytest.mark.parametrize(
    ("life", "billed_s", "ready_s"),
    [
        (ready_all_along, 200.0, 200.0),
        (started_later, 80.0, 70.0),
        (still_starting, 5.0, 0.0),
        (cancelled_while_starting, 7.0, 0.0),
        (drained, 40.0, 10.0),
        (still_draining, 50.0, 10.0),
        (waited_for_stock, 40.0, 30.0),
        (never_got_hardware, 0.0, 0.0),
        (gave_up_waiting, 0.0, 0.0),
        (crashed, 100.0, 90.0),
        (crashed_and_stopped, 35.0, 30.0),
    ],
)
def test_billed_and_ready_time(life: Callable[[], Rig], billed_s: float, ready_s: float) -> None:
    assert life().bills_s()[-1] == (billed_s, ready_s)


def test_each_variant_has_its_own_bill() -> None:
    rig = Rig(variant("a"), variant("b", startup_s=5), a=1, b=0).until(10)
    rig.scale(a=0, b=2)
    rig.until(20)
    assert rig.bills_s() == [(10.0, 10.0), (20.0, 10.0)]
