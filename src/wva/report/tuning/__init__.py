"""Searching a policy's parameters for its trade-off of attainment against cost."""
