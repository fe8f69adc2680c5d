"""How long a scrape may be under way between an instance and what queries find."""

STORING_S = 10.0
"""Seconds that a scrape may take until it is stored: Prometheus' own limit unless it is configured otherwise."""
