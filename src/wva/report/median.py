"""The middle of several runs, number by number."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

Plain = Mapping[str, Any]
"""Numbers, ``None`` for unknown, and mappings of these."""


def median(runs: Sequence[Plain]) -> dict[str, Any]:
    """The median of each number over the runs that know it, ``None`` where none does; the runs have the same fields."""
    return {field: _median([run[field] for run in runs]) for field in runs[0]}


def _median(values: Sequence[Any]) -> Any:
    if isinstance(values[0], Mapping):
        return median(values)
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None
