"""Why a number was chosen, as data that prints itself."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """One step of an argument."""

    code: str
    """Stable short name, for filters and metrics: ``demand``, ``binding``, ``held``, ``clamped``, ..."""
    text: str
    """One plain sentence with its figures."""
    figures: tuple[tuple[str, float], ...] = ()
    """Those of them that are shown as metrics, by name: ``capacity`` and ``required`` in requests per second."""

    def __str__(self) -> str:
        return self.text
