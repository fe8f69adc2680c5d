"""What all objects have in common: who they are, who owns them, and when things happened to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from sys import intern
from typing import Any

from wva.kubernetes.accelerator import ACCELERATOR_LABEL

_KEPT = ("llm-d.ai/", "wva.llmd.ai/", "autoscaling.keda.sh/")
"""Beginnings of the labels and annotations that matter here."""

Pairs = tuple[tuple[str, str], ...]
"""Labels or annotations, sorted: a tenth of a dictionary's memory."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The controller of an object."""

    kind: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class Meta:
    """An object's ``metadata``."""

    namespace: str
    name: str
    uid: str
    generation: int | None
    """Version of its ``spec``; ``None`` for kinds without one."""
    labels: Pairs
    annotations: Pairs
    """Both only as far as they matter to WVA."""
    owner: Owner | None
    """Its controller; other owners do not count."""
    created_at: float | None
    """Seconds since the epoch, as the next."""
    deleted_at: float | None
    """When its deletion was asked for."""

    @property
    def key(self) -> tuple[str, str]:
        """Namespace and name."""
        return self.namespace, self.name

    def label(self, name: str) -> str | None:
        """The value of a kept label."""
        return dict(self.labels).get(name)

    def annotation(self, name: str) -> str | None:
        """The value of a kept annotation."""
        return dict(self.annotations).get(name)


def meta(body: Mapping[str, Any]) -> Meta:
    """The metadata of an API object."""
    found = body["metadata"]
    return Meta(
        namespace=intern(found.get("namespace") or ""),
        name=found["name"],
        uid=found.get("uid") or "",
        generation=found.get("generation"),
        labels=_kept(found.get("labels")),
        annotations=_kept(found.get("annotations")),
        owner=_controller(found.get("ownerReferences") or ()),
        created_at=instant(found.get("creationTimestamp")),
        deleted_at=_deleted_at(found),
    )


def instant(text: str | None) -> float | None:
    """Seconds since the epoch of an API time; ``None`` is unknown, and so is what is no time."""
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An object that is not as its kind is to be."""

    meta: Meta
    problem: str
    """In one line."""


def condition(status: Mapping[str, Any], kind: str) -> Mapping[str, Any] | None:
    """The condition of that type in a status."""
    return next((each for each in status.get("conditions") or () if each.get("type") == kind), None)


def _deleted_at(found: Mapping[str, Any]) -> float | None:
    # The timestamp in the object is when the grace period ends.
    ends = instant(found.get("deletionTimestamp"))
    return None if ends is None else ends - (found.get("deletionGracePeriodSeconds") or 0)


def _kept(pairs: Mapping[str, str] | None) -> Pairs:
    kept = (item for item in (pairs or {}).items() if item[0].startswith(_KEPT) or item[0] == ACCELERATOR_LABEL)
    return tuple(sorted((intern(name), intern(value)) for name, value in kept))


def _controller(owners: Any) -> Owner | None:
    for owner in owners:
        if owner.get("controller"):
            return Owner(intern(owner["kind"]), intern(owner["name"]), intern(owner.get("uid") or ""))
    return None
