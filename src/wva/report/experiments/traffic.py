"""Traffic that several runs share: traces read once, the newest requests drawn kept."""

from collections.abc import Sequence

from wva.scenario.schema import Scenario, WorkloadSpec
from wva.scenario.traffic import Source, draw_workload, read_sources
from wva.workload.merge import Workload

_Kept = tuple[tuple[WorkloadSpec, ...], tuple[str, ...]]
"""What a traffic depends on besides its seed: the workload entries and the order of the models."""


class Traffic:
    """The requests of scenarios, by seed."""

    def __init__(self) -> None:
        """Nothing read yet."""
        self._read: tuple[tuple[WorkloadSpec, ...], Sequence[Source]] | None = None
        self._drawn: tuple[_Kept, int, Workload] | None = None

    def of(self, scenario: Scenario, seed: int) -> Workload:
        """All requests of a run. Raises ``UserError`` where they cannot be had."""
        key = (scenario.workload, tuple(scenario.models))
        if self._drawn is None or self._drawn[:2] != (key, seed):
            # What was drawn before goes first: two long traffics need not fit into memory at once.
            self._drawn = None
            self._drawn = (key, seed, draw_workload(scenario, self._sources(scenario), seed))
        return self._drawn[2]

    def _sources(self, scenario: Scenario) -> Sequence[Source]:
        if self._read is None or self._read[0] != scenario.workload:
            self._read = (scenario.workload, read_sources(scenario))
        return self._read[1]
