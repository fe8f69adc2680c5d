"""The ConfigMaps, with the reference's names and the values that hold where nobody changes them."""

from importlib import resources

from wva.kubernetes.configuration.parse import DEFAULT, SATURATION, SCALE_TO_ZERO
from wva.kubernetes.manifests.installation import Body, Installation

FILE = "config.yaml"


def config_maps(chosen: Installation) -> list[Body]:
    """The controller's own settings, thresholds, and scale to zero."""
    return [
        _config_map(chosen, chosen_name(chosen), {FILE: _text("config.yaml")}),
        _config_map(chosen, SATURATION, {DEFAULT: _text("saturation.yaml")}),
        _config_map(chosen, SCALE_TO_ZERO, {DEFAULT: _text("scale_to_zero.yaml")}),
    ]


def chosen_name(chosen: Installation) -> str:
    """Name of the main one: instances in one namespace have one each, and share the others."""
    return chosen.name("manager-config")


def _config_map(chosen: Installation, name: str, data: dict[str, str]) -> Body:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": chosen.metadata(name), "data": data}


def _text(name: str) -> str:
    return resources.files("wva.kubernetes.manifests").joinpath("defaults", name).read_text(encoding="utf-8")
