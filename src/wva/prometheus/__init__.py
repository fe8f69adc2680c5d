"""Measurements in, from replicas directly or from a Prometheus server; gauges about the loop and its decisions out."""
