"""Comparing policies: runs of a scenario, their scores, and the figures, table and page that show them."""
