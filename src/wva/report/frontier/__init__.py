"""Attainment against cost of every policy, each at its best, next to what is possible at all."""
