"""Frozen dataclasses that are quick to make are the same otherwise."""

import copy
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, replace
from inspect import signature
from typing import Any

import pytest

from wva.fleet.quick import quick


@dataclass(frozen=True, slots=True)
class Plain:
    """What a quick one is compared with."""

    name: str
    count: int = 1
    parts: dict[str, int] = field(default_factory=dict)
    more: tuple[int, ...] = ()


@quick
@dataclass(frozen=True, slots=True)
class Quick:
    """The same."""

    name: str
    count: int = 1
    parts: dict[str, int] = field(default_factory=dict)
    more: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.count < 0:
            raise ValueError("negative")


def test_it_takes_what_a_plain_one_takes() -> None:
    assert list(signature(Quick).parameters) == list(signature(Plain).parameters)
    every: tuple[tuple[Any, ...], ...] = (("a",), ("a", 2), ("a", 2, {"b": 3}), ("a", 2, {}, (4,)))
    for given in every:
        one, two = Plain(*given), Quick(*given)
        assert repr(one).removeprefix("Plain") == repr(two).removeprefix("Quick")
    assert Quick(name="a", more=(1,)) == Quick("a", 1, {}, (1,))
    assert Quick("a").parts is not Quick("a").parts
    with pytest.raises(TypeError, match=r"Quick.__init__\(\) missing 1 required positional argument: 'name'"):
        Quick()  # type: ignore[call-arg]


def test_it_is_frozen_copied_and_checked_as_a_plain_one() -> None:
    one = Quick("a", 2)
    with pytest.raises(FrozenInstanceError):
        one.count = 3  # type: ignore[misc]
    assert replace(one, count=3) == Quick("a", 3)
    assert pickle.loads(pickle.dumps(one)) == copy.deepcopy(one) == one
    with pytest.raises(ValueError, match="negative"):
        replace(one, count=-1)


def test_what_does_not_take_its_fields_by_position_is_refused() -> None:
    with pytest.raises(TypeError, match="by position"):

        @quick
        @dataclass(frozen=True, slots=True, kw_only=True)
        class _Named:
            name: str

    with pytest.raises(TypeError, match="by position"):

        @quick
        @dataclass(frozen=True, slots=True)
        class _Partly:
            name: str
            made: int = field(init=False, default=0)
