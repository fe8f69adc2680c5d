"""What a scenario and a live fleet both describe."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from wva.scenario.schema import ModelSpec, NodesSpec, VariantSpec, WorkloadSpec


class Described(Protocol):
    """A file that describes models, what serves them and what they are asked: a scenario, or a live fleet."""

    @property
    def models(self) -> Mapping[str, ModelSpec]:
        """By the name that clients ask for."""

    @property
    def variants(self) -> Sequence[VariantSpec]:
        """In the file's order."""

    @property
    def nodes(self) -> Sequence[NodesSpec] | None:
        """All nodes there are; ``None`` is without limit."""

    @property
    def workload(self) -> Sequence[WorkloadSpec]:
        """The traffic that the file brings."""
