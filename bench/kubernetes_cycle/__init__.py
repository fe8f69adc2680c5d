"""One decision cycle over a large cluster, from Prometheus' answers to a plan."""
