"""Workload Variant Autoscaler: how many replicas of which GPU variant every model should run."""
