"""Performance claims and comparisons as commands."""
