"""Where a label finds room beside its dot."""

from collections.abc import Sequence

Box = tuple[float, float, float, float]
"""Left, bottom, right and top, in points of the panel."""
_APART = 9.0
"""Points from a dot to its label."""


def free_box(
    at: tuple[float, float], size: tuple[float, float], panel: tuple[float, float], taken: Sequence[Box]
) -> Box:
    """The box beside a dot that overlaps least with what is there and stays inside the panel."""
    width, height = size
    beside = (at[0] + _APART, at[0] - _APART - width)
    centred = max(min(at[0] - width / 2, panel[0] - width), 0.0)
    places = [(left, at[1] + dy * height) for dy in (-0.5, -1.0, 0.0) for left in beside]
    places += [(centred, at[1] - _APART - height), (centred, at[1] + _APART)]
    places += [(left, at[1] + dy * height) for dy in (-1.6, 0.6) for left in beside]
    places += [(left, at[1] + dy * height) for dy in (1.4, -2.4) for left in (*beside, centred)]
    boxes: list[Box] = [(left, bottom, left + width, bottom + height) for left, bottom in places]
    inside: Box = (0, 0, *panel)

    def harm(box: Box) -> int:
        # Whole square points: a rounding error must not decide between two free places.
        return round(sum(_overlap(box, other) for other in taken) + width * height - _overlap(box, inside))

    return min(boxes, key=harm)


def _overlap(one: Box, other: Box) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(width, 0.0) * max(height, 0.0)
