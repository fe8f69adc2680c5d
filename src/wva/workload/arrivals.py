"""How synthetic requests follow each other."""

from enum import StrEnum


class Arrivals(StrEnum):
    """How requests follow each other at a rate."""

    POISSON = "poisson"
    """Independently."""
    CONSTANT = "constant"
    """At equal distances, as load generators send at a constant rate; a draw shifts all by up to one distance."""
