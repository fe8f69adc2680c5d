"""Annotations that give orders: whose goes first, and what a bad one comes to."""

import pytest

from tests.kubernetes.bodies import metadata
from wva.kubernetes.objects.config_map import Namespace, namespace
from wva.kubernetes.objects.meta import meta
from wva.kubernetes.orders import ACT, PAUSED, PIN, Act, VariantOrders, variant_orders


def space(**annotations: str) -> Namespace:
    full = {f"wva.llmd.ai/{name}": value for name, value in annotations.items()}
    return namespace({"metadata": {"name": "team", "annotations": full}})


def given(
    of_namespace: Namespace | None = None, default: Act = Act.ADVISORY, **annotations: str | None
) -> VariantOrders:
    full = {f"wva.llmd.ai/{name}": value for name, value in annotations.items() if value is not None}
    return variant_orders(meta({"metadata": metadata("a100", annotations=full)}), of_namespace, default, (1, 10))


def test_without_annotations_the_default_holds() -> None:
    assert given() == VariantOrders(Act.ADVISORY)
    assert given(space(), Act.GAUGE) == VariantOrders(Act.GAUGE)


@pytest.mark.parametrize(
    ("own", "of_namespace", "expected"),
    [
        ("direct", None, Act.DIRECT),
        (None, "gauge", Act.GAUGE),
        ("advisory", "direct", Act.ADVISORY),
        ("direct", "advisory", Act.DIRECT),
        ("direct", "nonsense", Act.DIRECT),
    ],
)
def test_the_object_goes_before_its_namespace(own: str | None, of_namespace: str | None, expected: Act) -> None:
    found = given(None if of_namespace is None else space(act=of_namespace), Act.GAUGE, act=own)
    assert (found.act, found.notices) == (expected, ())


@pytest.mark.parametrize(
    ("own", "of_namespace", "expected"),
    [
        ("true", None, True),
        (None, "true", True),
        ("false", "true", True),
        ("true", "false", True),
        ("false", None, False),
    ],
)
def test_either_can_pause(own: str | None, of_namespace: str | None, expected: bool) -> None:
    found = given(None if of_namespace is None else space(paused=of_namespace), paused=own)
    assert (found.paused, found.notices) == (expected, ())


@pytest.mark.parametrize(
    ("own", "of_namespace", "default", "writes", "follows"),
    [
        (None, None, Act.ADVISORY, False, True),
        (None, None, Act.GAUGE, True, True),
        ("advisory", None, Act.GAUGE, False, False),
        (None, "advisory", Act.DIRECT, False, False),
        ("gauge", "advisory", Act.ADVISORY, True, True),
        ("nonsense", None, Act.DIRECT, False, False),
    ],
)
def test_only_who_says_advisory_keeps_followers_from_the_counts(
    own: str | None, of_namespace: str | None, default: Act, writes: bool, follows: bool
) -> None:
    found = given(None if of_namespace is None else space(act=of_namespace), default, act=own)
    assert (found.writes, found.follows) == (writes, follows)


@pytest.mark.parametrize(("text", "expected"), [("1", 1), ("10", 10), ("03", 3)])
def test_a_pin_is_a_count(text: str, expected: int) -> None:
    assert given(pin=text) == VariantOrders(Act.ADVISORY, pin=expected)


@pytest.mark.parametrize("text", ["", "three", "-1", "2.5", "1e1", "²", "9" * 5000, "0", "11"])
def test_a_bad_pin_holds_nothing(text: str) -> None:
    found = given(pin=text)
    assert found.pin is None
    (notice,) = found.notices
    assert PIN in notice
    assert "a100" in notice


def test_a_namespace_holds_nothing_at_a_count() -> None:
    found = given(space(pin="3"))
    assert found.pin is None
    assert len(found.notices) == 1
    assert given(space(pin="3"), pin="2").pin == 2


def test_what_cannot_be_understood_writes_nothing() -> None:
    found = given(space(), Act.DIRECT, act="Direct", paused="yes", pin="many")
    assert (found.act, found.paused, found.pin) == (Act.ADVISORY, True, None)
    assert [name in notice for name, notice in zip((ACT, PAUSED, PIN), found.notices, strict=True)] == [True] * 3
    assert not any("\n" in notice for notice in found.notices)


def test_a_bad_value_of_the_namespace_only_advises() -> None:
    found = given(space(act="on"), Act.DIRECT)
    assert found.act is Act.ADVISORY
    assert "namespace team" in found.notices[0]


def test_an_annotation_that_looks_like_one_and_is_none_is_said() -> None:
    found = given(space(pause="true"), pinned="2", act="direct")
    assert found.notices == (
        "annotation wva.llmd.ai/pinned of a100 is none of WVA's, so it has no effect",
        "annotation wva.llmd.ai/pause of namespace team is none of WVA's, so it has no effect",
    )
