"""A container's environment, and Kubernetes' own ``$(NAME)`` in its command and arguments."""

import re
from collections.abc import Mapping
from typing import Any

UNKNOWN = "\0"
"""Stands in a text for what cannot be known from the pod template. No argument of a process can hold it."""

_REFERENCE = re.compile(r"\$\$|\$\(([^()]*)\)")


def environment(container: Mapping[str, Any]) -> dict[str, str]:
    """The variables that the template names; what comes from a Secret, a ConfigMap or a field is ``UNKNOWN``."""
    known: dict[str, str] = {}
    for variable in container.get("env") or ():
        value = UNKNOWN if "valueFrom" in variable else expand(str(variable.get("value") or ""), known)
        known[variable["name"]] = value
    return known


def takes_in_more(container: Mapping[str, Any]) -> bool:
    """Whether whole ConfigMaps or Secrets become variables, so that any name may have a value."""
    return bool(container.get("envFrom"))


def expand(text: str, variables: Mapping[str, str]) -> str:
    """The text with references replaced: ``$$`` is one dollar, and an unknown name stays as it is."""

    def replaced(match: re.Match[str]) -> str:
        name = match.group(1)
        return "$" if name is None else variables.get(name, match.group(0))

    return _REFERENCE.sub(replaced, text)
