"""Reads what is needed out of a /metrics page, and nothing else.

A server shows several hundred series of which some thirty matter, so their lines are found first and only those parsed.
"""

from collections.abc import Iterable

from prometheus_client.parser import text_string_to_metric_families

from wva.prometheus.families import CACHE_CONFIG, ENGINE, GATEWAY, TPOT_BUCKETS, TTFT_BUCKETS, WAITING_BY_REASON, Names
from wva.prometheus.points import Point, UnbelievableError


def _encoded(metrics: Iterable[Names]) -> frozenset[bytes]:
    return frozenset(name.encode() for names in metrics for name in names)


_ENGINE_NAMES = _encoded([*ENGINE.values(), (CACHE_CONFIG, WAITING_BY_REASON)])
_GATEWAY_NAMES = _encoded([*GATEWAY.values(), (TTFT_BUCKETS, TPOT_BUCKETS)])


def engine_points(page: bytes) -> list[Point]:
    """What vLLM's page says. Raises ``UnbelievableError`` where it is cut off, malformed or of something else."""
    return _points(page, _ENGINE_NAMES, "vLLM")


def gateway_points(page: bytes) -> list[Point]:
    """What a gateway's page says. Raises ``UnbelievableError`` where it is cut off, malformed or of something else."""
    return _points(page, _GATEWAY_NAMES, "a gateway")


def _points(page: bytes, names: frozenset[bytes], whose: str) -> list[Point]:
    if not page.endswith(b"\n"):
        raise UnbelievableError("its metrics are cut off: the last line has no end")
    try:
        lines = [line for line in page.split(b"\n") if line.partition(b"{")[0].partition(b" ")[0] in names]
        needed = b"\n".join([*lines, b""]).decode()
        points = [
            Point(sample.name, sample.labels, float(sample.value))
            for family in text_string_to_metric_families(needed)
            for sample in family.samples
        ]
    except (ValueError, IndexError, KeyError) as error:
        raise UnbelievableError(f"its metrics are malformed: {error}") from error
    if not points:
        raise UnbelievableError(f"its page has none of the metrics of {whose}")
    return points
