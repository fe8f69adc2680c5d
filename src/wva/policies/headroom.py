"""What of the default policy can be tuned: how much capacity it keeps free, and nothing else."""

from collections.abc import Sequence
from typing import Any

from wva.decide.settings import Settings
from wva.fleet.variant import Variant
from wva.policies.space import Real, Space, Values


def headroom_space(variants: Sequence[Variant]) -> Space:
    """``headroom`` for every variant alike."""

    def options(values: Values) -> dict[str, Any]:
        return {"settings": {"headroom": values["headroom"]}}

    return Space({"headroom": Real(0.0, 0.75, Settings().headroom)}, options)
