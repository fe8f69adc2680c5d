"""What variants are called in metrics, and whose gauge nobody is to follow."""

import pytest

from tests.kubernetes import bodies
from tests.kubernetes.reporting.scene import VARIANT, custom, one, picture, serving
from wva.kubernetes.names import ClusterNames
from wva.kubernetes.orders import ACT, PAUSED, Act
from wva.kubernetes.picture import Picture

FOLLOWER = bodies.hpa("llama", "llama")


def names(found: Picture) -> ClusterNames:
    return ClusterNames(found.managed.get)


def test_names_are_those_of_the_cluster() -> None:
    found = picture(custom(), serving())
    label = names(found).variant(one(found).variant, "team")
    assert (label.variant_name, label.namespace, label.accelerator_type) == ("llama", "team", "H100")


@pytest.mark.parametrize(
    ("act", "annotated", "followed", "withheld"),
    [
        (Act.ADVISORY, None, True, False),
        (Act.ADVISORY, None, False, False),
        (Act.ADVISORY, "advisory", True, True),
        (Act.DIRECT, "advisory", True, True),
        (Act.DIRECT, "advisory", False, False),
        (Act.DIRECT, "nonsense", True, True),
        (Act.ADVISORY, "gauge", True, False),
        (Act.GAUGE, None, True, False),
        (Act.DIRECT, None, False, False),
    ],
)
def test_advice_that_was_asked_for_moves_no_follower(
    act: Act, annotated: str | None, followed: bool, withheld: bool
) -> None:
    annotations = {} if annotated is None else {ACT: annotated}
    found = picture(custom(annotations=annotations), serving(), *([FOLLOWER] if followed else []), act=act)
    assert names(found).is_withheld(one(found).variant) is withheld


def test_what_is_paused_stays() -> None:
    found = picture(custom(annotations={PAUSED: "true"}), serving(), FOLLOWER, act=Act.GAUGE)
    assert names(found).is_withheld(one(found).variant)


def test_of_a_variant_that_is_gone_nothing_is_withheld() -> None:
    found = picture(custom(), serving())
    assert VARIANT in found.managed
    assert not ClusterNames(lambda _: None).is_withheld(one(found).variant)
