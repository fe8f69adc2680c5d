"""What vLLM's HTTP instrumentation counts of requests, by route."""

from prometheus_client import CollectorRegistry, Counter, Histogram, Summary

from wva.emulator.metrics.buckets import HTTP_HIGH_RESOLUTION_S, HTTP_S

UNCOUNTED = frozenset({"/metrics", "/health", "/load", "/version"})
"""Routes that are asked all the time and not counted."""


class HttpMetrics:
    """Families with a value an HTTP request; a route that does not exist is ``none``."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register the families."""
        self._total = Counter(
            "http_requests",
            "Total number of requests by method, status and handler.",
            ["method", "status", "handler"],
            registry=registry,
        )
        size = "Content length of {} by handler. Only value of header is respected. Otherwise ignored. "
        size += "No percentile calculated. "
        self._asked = Summary(
            "http_request_size_bytes", size.format("incoming requests"), ["handler"], registry=registry
        )
        self._answered = Summary(
            "http_response_size_bytes", size.format("outgoing responses"), ["handler"], registry=registry
        )
        self._fine = Histogram(
            "http_request_duration_highr_seconds",
            "Latency with many buckets but no API specific labels. Made for more accurate percentile calculations. ",
            buckets=HTTP_HIGH_RESOLUTION_S,
            registry=registry,
        )
        self._coarse = Histogram(
            "http_request_duration_seconds",
            "Latency with only few buckets by handler. Made to be only used if aggregation by handler is important. ",
            ["method", "handler"],
            buckets=HTTP_S,
            registry=registry,
        )

    def count(self, method: str, handler: str, status: int, asked: int, answered: int, duration_s: float) -> None:
        """Count one request; sizes are the ``Content-Length`` of both ways, 0 without one."""
        self._total.labels(method, f"{status // 100}xx", handler).inc()
        self._asked.labels(handler).observe(asked)
        self._answered.labels(handler).observe(answered)
        self._fine.observe(duration_s)
        self._coarse.labels(method=method, handler=handler).observe(duration_s)
