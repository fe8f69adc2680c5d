"""Bounds of the buckets of llm-d's router for latencies (``pkg/epp/metrics``), as its gateways and ours keep them."""

TTFT_BOUNDS_S = (
    *(0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5),
    *(2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 120.0),
)
TPOT_BOUNDS_S = (
    *(0.0005, 0.00205, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.125, 0.15),
    *(0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 2.0),
)
"""Upper bounds of the buckets in seconds, each inclusive; one more bucket has no bound."""
