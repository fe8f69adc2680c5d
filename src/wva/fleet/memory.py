"""What a policy remembers between decisions."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Memory:
    """Base of every policy's memory: plain data in timestamps, never in tick counts, bounded per variant.

    It goes through the journal as JSON, so a subclass holds numbers, strings, tuples, mappings and frozen dataclasses.
    """

    version: int = 1
    """Layout of the subclass; a policy starts afresh from a memory of another version."""
