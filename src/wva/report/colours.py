"""One colour for each thing, wherever it appears: in figures, on pages, on the live page."""

from collections.abc import Mapping, Sequence

INK = "#1b2430"
"""Headings and numbers."""
MUTED = "#64707f"
"""Axes, units and remarks."""
GRID = "#e3e8ee"
PAPER = "#fdfefe"
"""Background; the page replaces it and the three above where the reader prefers dark."""
ALARM = "#d1435b"
"""What failed."""

_POLICIES = {"static": "#8591a0", "hpa": "#e07b2e", "wva": "#1f6fe0", "static-best": "#8b5fd3"}
_MORE_POLICIES = ("#12998a", "#c2428f", "#a98600", "#5a8f29", "#b4552d")
_MODELS = ("#3d4f66", "#a3476b", "#6b7d2e", "#7a5c3e", "#2f6f8f", "#7d6bb0")
_VARIANTS = (
    *("#1a919e", "#e3a22f", "#8262b5", "#5b9e48", "#c75b7a", "#5b7bb0"),
    *("#8c6d46", "#54c0a5", "#b83f3f", "#a7b23a", "#4d5a8f", "#d98bb8"),
)


def policy_colours(policies: Sequence[tuple[str, str]]) -> dict[str, str]:
    """A colour for each (label, policy): the policy's own, the first time that it appears."""
    colours: dict[str, str] = {}
    more = iter(_MORE_POLICIES * (len(policies) // len(_MORE_POLICIES) + 1))
    for label, policy in policies:
        own = _POLICIES.get(policy)
        colours[label] = own if own is not None and own not in colours.values() else next(more)
    return colours


def model_colours(models: Sequence[str]) -> Mapping[str, str]:
    """A colour for each model, in the scenario's order."""
    return {name: _MODELS[index % len(_MODELS)] for index, name in enumerate(models)}


def variant_colours(variants: Sequence[str]) -> Mapping[str, str]:
    """A colour for each variant, whatever order a scenario has them in."""
    places = {name: index for index, name in enumerate(sorted(variants))}
    return {name: _VARIANTS[places[name] % len(_VARIANTS)] for name in variants}
