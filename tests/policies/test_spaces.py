"""What can be tuned of each policy makes valid options, at its defaults and anywhere within its ranges."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policies.fleets import seen
from wva.policies.registry import POLICIES, SPACES, make
from wva.policies.space import Choice, Parameter, Real, Whole

FLEET = tuple(seen(1, [], name=name).variant for name in ("cheap", "dear"))


def values(parameter: Parameter) -> st.SearchStrategy[object]:
    match parameter:
        case Real(low, high):
            return st.floats(low, high)
        case Whole(low, high):
            return st.integers(low, high)
        case Choice(choices):
            return st.sampled_from(choices)


@pytest.mark.parametrize("name", SPACES)
def test_defaults_make_the_policy(name: str) -> None:
    space = SPACES[name](FLEET)
    assert isinstance(make(name, space.options(space.defaults())), POLICIES[name])


@pytest.mark.parametrize("name", SPACES)
@given(data=st.data())
def test_any_values_within_the_ranges_make_the_policy(name: str, data: st.DataObject) -> None:
    space = SPACES[name](FLEET)
    chosen = {name: data.draw(values(parameter), label=name) for name, parameter in space.parameters.items()}
    assert isinstance(make(name, space.options(chosen)), POLICIES[name])


def test_a_default_outside_its_range_is_refused() -> None:
    with pytest.raises(ValueError, match="default 3 is outside 0 to 2"):
        Whole(0, 2, 3)
    with pytest.raises(ValueError, match="default 'c' is not one of"):
        Choice(("a", "b"), "c")
