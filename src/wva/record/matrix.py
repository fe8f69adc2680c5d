"""Engine metrics of a block as one compressed matrix: they are most of an observation, and change in every one."""

import json
import zlib
from collections.abc import Sequence
from dataclasses import fields
from operator import attrgetter
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from wva.fleet.replica import InstanceMetrics

Row: TypeAlias = tuple[float | None, ...]
Matrix: TypeAlias = NDArray[np.float64]

_NAMES = tuple(field.name for field in fields(InstanceMetrics))
_values = attrgetter(*_NAMES)
_AGE = _NAMES.index("age_s")
_NOTHING_SEEN: Row = (None,) * len(_NAMES)
# A NaN that no arithmetic makes stands for unknown, so that a reported NaN stays a NaN.
_UNKNOWN_BITS = np.uint64(0xFFF8_5756_4155_4E4B)


def metrics_row(metrics: InstanceMetrics | None) -> Row:
    """The metrics as a row, all unknown where nothing was ever seen."""
    row: Row = _NOTHING_SEEN if metrics is None else _values(metrics)
    return row


def from_row(row: Sequence[float | None]) -> InstanceMetrics | None:
    """The metrics that ``metrics_row`` made this row from: only what was never seen is without an age."""
    return None if row[_AGE] is None else InstanceMetrics(*row)  # type: ignore[arg-type]


def to_matrix(rows: list[Row]) -> Matrix:
    """The rows as numbers. Raises ``ValueError`` or ``TypeError`` where a value is neither a number nor unknown."""
    matrix = np.array(rows, dtype=np.float64).reshape(len(rows), len(_NAMES))
    for row, place in np.argwhere(np.isnan(matrix)).tolist():
        if rows[row][place] is None:
            matrix.view(np.uint64)[row, place] = _UNKNOWN_BITS
    return matrix


def pack_matrix(matrices: list[Matrix]) -> bytes:
    """The rows of all these matrices, ready to be stored: the names of the columns as JSON, a line feed, the values.

    Bytes of the same significance lie together, column by column. The high ones hardly vary, so run lengths find them,
    and no time is lost on looking for repetition in the digits of measurements, where there is none.
    """
    whole = np.concatenate(matrices).astype("<f8", copy=False)
    by_significance = np.ascontiguousarray(whole.T).view(np.uint8).reshape(len(_NAMES), -1, 8).transpose(0, 2, 1)
    compressor = zlib.compressobj(level=1, strategy=zlib.Z_RLE)
    values = compressor.compress(by_significance.tobytes()) + compressor.flush()
    return json.dumps(_NAMES).encode() + b"\n" + values


def unpack_matrix(blob: bytes) -> list[list[float | None]]:
    """The rows of ``pack_matrix``. Raises ``ValueError`` where they have other columns than this version's metrics."""
    names, _, values = blob.partition(b"\n")
    if tuple(json.loads(names)) != _NAMES:
        raise ValueError("its engine metrics are not those of this version of WVA")
    by_significance = np.frombuffer(zlib.decompress(values), dtype=np.uint8).reshape(len(_NAMES), 8, -1)
    whole = np.ascontiguousarray(by_significance.transpose(0, 2, 1)).view("<f8")[:, :, 0].T
    rows: list[list[float | None]] = whole.tolist()
    for row, place in np.argwhere(np.ascontiguousarray(whole).view(np.uint64) == _UNKNOWN_BITS).tolist():
        rows[row][place] = None
    return rows
