"""YAML text to plain data, strictly."""

from collections.abc import Hashable
from typing import Any

import yaml

from wva.fleet.errors import UserError


class _Loader(yaml.SafeLoader):
    """Refuses a key that a mapping has already, where YAML silently keeps the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[object] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key.value!r} is there twice", key.start_mark)
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else key)
        return super().construct_mapping(node, deep)


def parse_yaml(text: str, name: str) -> dict[str, Any]:
    """The mapping that a file's text holds; ``name`` is how messages call the file.

    Raises:
        UserError: The text is no YAML or no mapping.

    """
    try:
        data = yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        what = " ".join((error.problem or error.context or "is no YAML").split())
        raise UserError(f"{name}: {place}{what}; correct the YAML") from None
    except yaml.YAMLError as error:
        raise UserError(f"{name}: is no YAML ({' '.join(str(error).split())}); correct it") from None
    if not isinstance(data, dict):
        raise UserError(f"{name}: must be a mapping of keys to values; correct the YAML")
    return data
