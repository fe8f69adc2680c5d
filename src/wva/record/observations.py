"""The observations of a block, taken apart into what stays and what changes.

Replicas without their metrics, and variants without their replicas, are the same in most observations of a block: each
distinct one is written once and then named by its number. Metrics go into a matrix. What remains of an observation is
written in full. Every part is made of the fleet's own types with a field left empty, so a new field of theirs is kept
without a change here.
"""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from typing import Any, Generic, TypeVar

from wva.fleet.observation import Observation, VariantObservation
from wva.fleet.replica import Instance, Replica
from wva.record.column import column, pack
from wva.record.matrix import Matrix, Row, from_row, metrics_row, pack_matrix, to_matrix, unpack_matrix

T = TypeVar("T")


def _all_fields_but(kind: Any, name: str) -> Callable[[Any], Hashable]:
    return attrgetter(*(field.name for field in fields(kind) if field.name != name))


_variant_identity = _all_fields_but(VariantObservation, "replicas")
_replica_identity = _all_fields_but(Replica, "instances")
_instance_identity = _all_fields_but(Instance, "metrics")

_OBSERVATION = column(Observation)
_VARIANT = column(VariantObservation)
_REPLICA = column(Replica)
_LAYOUT = column(tuple[tuple[int, tuple[int, ...]], ...])


@dataclass(frozen=True, slots=True)
class EncodedObservation:
    """One observation, encoded in the terms of its block."""

    bare: bytes
    """The observation without variants."""
    layout: bytes
    """For each variant its number and those of its replicas."""
    metrics: Matrix | None
    """A row for each engine, in order; ``None`` without any."""


@dataclass(frozen=True, slots=True)
class PackedObservations:
    """The observations of a block as they are stored."""

    observations: bytes
    layouts: bytes
    variants: bytes
    replicas: bytes
    metrics: bytes | None


class ObservationEncoder:
    """Encodes the observations of one block."""

    def __init__(self) -> None:
        self._variants: dict[Hashable, int] = {}
        self._replicas: dict[Hashable, int] = {}
        self._variant_items: list[bytes] = []
        self._replica_items: list[bytes] = []

    def encode(self, observation: Observation) -> EncodedObservation:
        """One observation. Raises ``ValueError`` or ``TypeError`` where a value is not of the declared type."""
        rows: list[Row] = []
        layout = tuple(
            (self._variant(seen), tuple([self._replica(replica, rows) for replica in seen.replicas]))
            for seen in observation.variants
        )
        bare = _OBSERVATION.encode(replace(observation, variants=()))
        return EncodedObservation(bare, _LAYOUT.encode(layout), to_matrix(rows) if rows else None)

    def pack(self, encoded: list[EncodedObservation]) -> PackedObservations:
        """The block's observations, which this encoder encoded, ready to be stored."""
        matrices = [one.metrics for one in encoded if one.metrics is not None]
        return PackedObservations(
            pack(one.bare for one in encoded),
            pack(one.layout for one in encoded),
            pack(self._variant_items),
            pack(self._replica_items),
            pack_matrix(matrices) if matrices else None,
        )

    def _variant(self, seen: VariantObservation) -> int:
        identity = _variant_identity(seen)
        number = self._variants.get(identity)
        if number is None:
            self._variant_items.append(_VARIANT.encode(replace(seen, replicas=())))
            number = self._variants[identity] = len(self._variants)
        return number

    def _replica(self, replica: Replica, rows: list[Row]) -> int:
        instances = replica.instances
        rows.extend([metrics_row(instance.metrics) for instance in instances])
        identity = (_replica_identity(replica), tuple([_instance_identity(instance) for instance in instances]))
        number = self._replicas.get(identity)
        if number is None:
            bare = tuple(replace(instance, metrics=None) for instance in instances)
            self._replica_items.append(_REPLICA.encode(replace(replica, instances=bare)))
            number = self._replicas[identity] = len(self._replicas)
        return number


class _Template(Generic[T]):
    """Makes copies of an object that differ in one field, without looking at every field again as ``replace`` does."""

    __slots__ = ("_after", "_before", "_kind")

    def __init__(self, bare: T, open_field: str) -> None:
        kind: Any = type(bare)
        names = [field.name for field in fields(kind)]
        place = names.index(open_field)
        self._kind: Callable[..., T] = kind
        self._before = [getattr(bare, name) for name in names[:place]]
        self._after = [getattr(bare, name) for name in names[place + 1 :]]

    def fill(self, value: object) -> T:
        return self._kind(*self._before, value, *self._after)


class _ReplicaTemplate:
    """Makes a replica with its engines' metrics."""

    __slots__ = ("_instances", "_replica")

    def __init__(self, bare: Replica) -> None:
        self._replica = _Template(bare, "instances")
        self._instances = [_Template(instance, "metrics") for instance in bare.instances]

    def fill(self, rows: Iterator[list[float | None]]) -> Replica:
        return self._replica.fill(tuple([instance.fill(from_row(_next(rows))) for instance in self._instances]))


def unpack_observations(packed: PackedObservations) -> Iterator[Observation]:
    """The observations. Raises ``ValueError`` or ``zlib.error`` where they are damaged or of other types."""
    variants = [_Template(bare, "replicas") for bare in _VARIANT.unpack(packed.variants)]
    replicas = [_ReplicaTemplate(bare) for bare in _REPLICA.unpack(packed.replicas)]
    rows = iter([] if packed.metrics is None else unpack_matrix(packed.metrics))
    layouts = _LAYOUT.unpack(packed.layouts)
    for bare, layout in zip(_OBSERVATION.unpack(packed.observations), layouts, strict=True):
        seen = [variants[number].fill(tuple([replicas[one].fill(rows) for one in ones])) for number, ones in layout]
        yield replace(bare, variants=tuple(seen))


def _next(rows: Iterator[list[float | None]]) -> list[float | None]:
    row = next(rows, None)
    if row is None:
        raise ValueError("engine metrics are missing")
    return row
