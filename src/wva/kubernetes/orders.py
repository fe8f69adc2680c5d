"""What people order by annotations: how a variant acts, whether it is paused, and the count it is held at.

An annotation on the object that declares a variant goes before the one on its namespace. Where a value cannot be
understood, the variant takes the side on which nothing is written, and a notice says so.
"""

from dataclasses import dataclass
from enum import StrEnum

from wva.kubernetes.crd.schema import LARGEST
from wva.kubernetes.declaration import PRIORITY, TPOT, TTFT
from wva.kubernetes.objects.config_map import EXCLUDE, Namespace
from wva.kubernetes.objects.meta import Meta

ACT = "wva.llmd.ai/act"
PAUSED = "wva.llmd.ai/paused"
PIN = "wva.llmd.ai/pin"

_OWN = "wva.llmd.ai/"
_KNOWN = frozenset((ACT, PAUSED, PIN, TTFT, TPOT, PRIORITY, EXCLUDE))

_TRUTH = {"true": True, "false": False}


class Act(StrEnum):
    """What becomes of a variant's counts."""

    ADVISORY = "advisory"
    """They are shown, and people act."""
    GAUGE = "gauge"
    """They are published, and the target's HPA or ScaledObject follows."""
    DIRECT = "direct"
    """WVA writes them itself."""


@dataclass(frozen=True, slots=True)
class VariantOrders:
    """What holds of one variant."""

    act: Act
    paused: bool = False
    """Decide and show, but change and publish nothing."""
    pin: int | None = None
    """Replicas that it is held at; ``None`` leaves it to the policy."""
    notices: tuple[str, ...] = ()
    """What could not be understood or followed, one line each."""
    said: bool = False
    """Whether an annotation says how it acts."""

    @property
    def writes(self) -> bool:
        """Whether WVA may write anything of it."""
        return self.act is not Act.ADVISORY

    @property
    def follows(self) -> bool:
        """Whether a follower may have its counts: by itself, an HPA or a ScaledObject on the gauge asks for them."""
        return self.writes or not self.said


def variant_orders(declared: Meta, namespace: Namespace | None, default: Act, bounds: tuple[int, int]) -> VariantOrders:
    """The orders for the variant that an object declares.

    Either of the object and its namespace can pause it: who stops a namespace stops all of it. A pin is of one variant
    and within its ``bounds``, least and most, because beyond them it would be taken back.
    """
    act, said, wrong_act = _act(declared, namespace, default)
    paused, wrong_paused = _paused(declared, namespace)
    pin, wrong_pin = _pin(declared, namespace, bounds)
    return VariantOrders(
        act, paused, pin, (*wrong_act, *wrong_paused, *wrong_pin, *_unknown(declared, namespace)), said
    )


def _act(declared: Meta, namespace: Namespace | None, default: Act) -> tuple[Act, bool, tuple[str, ...]]:
    """How it acts, whether somebody says so, and what is wrong with that."""
    for place, value in _said(ACT, declared, namespace):
        try:
            return Act(value), True, ()
        except ValueError:
            choices = ", ".join(Act)
            wrong = f"annotation {ACT} of {place} is {value!r}: must be one of {choices}; it only advises"
            return Act.ADVISORY, True, (wrong,)
    return default, False, ()


def _paused(declared: Meta, namespace: Namespace | None) -> tuple[bool, tuple[str, ...]]:
    paused, notices = False, []
    for place, value in _said(PAUSED, declared, namespace):
        paused |= _TRUTH.get(value, True)
        if value not in _TRUTH:
            notices.append(f"annotation {PAUSED} of {place} is {value!r}: must be true or false; it is paused")
    return paused, tuple(notices)


def _pin(declared: Meta, namespace: Namespace | None, bounds: tuple[int, int]) -> tuple[int | None, tuple[str, ...]]:
    notices = []
    if namespace is not None and namespace.annotation(PIN) is not None:
        notices.append(
            f"annotation {PIN} of namespace {namespace.name} holds nothing: put it on what declares a variant"
        )
    value = declared.annotation(PIN)
    if value is None:
        return None, tuple(notices)
    count = _count(value)
    if count is None:
        notices.append(
            f"annotation {PIN} of {declared.name} is {value!r}: must be a number of replicas; it is not held"
        )
    elif not bounds[0] <= count <= bounds[1]:
        notices.append(
            f"annotation {PIN} of {declared.name} is {count}: must be {bounds[0]} to {bounds[1]}; it is not held"
        )
        count = None
    return count, tuple(notices)


def _unknown(declared: Meta, namespace: Namespace | None) -> list[str]:
    """What is said of annotations that look like WVA's and are none: they would do nothing, and nobody would know."""
    places = [(declared.name, declared.annotations)]
    if namespace is not None:
        places.append((f"namespace {namespace.name}", namespace.annotations))
    return [
        f"annotation {name} of {place} is none of WVA's, so it has no effect"
        for place, annotations in places
        for name, _ in annotations
        if name.startswith(_OWN) and name not in _KNOWN
    ]


def _said(name: str, declared: Meta, namespace: Namespace | None) -> list[tuple[str, str]]:
    """Who says what, the one that goes before first."""
    said = [(declared.name, declared.annotation(name))]
    if namespace is not None:
        said.append((f"namespace {namespace.name}", namespace.annotation(name)))
    return [(place, value) for place, value in said if value is not None]


def _count(text: str) -> int | None:
    """A number as Kubernetes writes replica counts."""
    plain = text.isascii() and text.isdecimal() and len(text) <= len(str(LARGEST))
    return int(text) if plain and int(text) <= LARGEST else None
