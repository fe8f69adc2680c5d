"""Policies by the name that users choose them by.

To add one, write a frozen dataclass whose fields are its configuration and that is a ``wva.fleet.policy.Policy``, and
give it one line in ``POLICIES``. That is all: its fields are its options, and the properties in
``tests/policies/test_safety.py`` run over every line. A line in ``SPACES`` makes it one that ``wva tune`` can tune.
An option that is a mapping is one by variant name.
"""

from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass
from types import GenericAlias
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from wva.decide.brain import WvaPolicy
from wva.fleet.errors import UserError
from wva.fleet.policy import Policy
from wva.policies.apa.policy import ApaPolicy
from wva.policies.apa.space import apa_space
from wva.policies.dynamo.policy import DynamoPolicy
from wva.policies.dynamo.space import dynamo_space
from wva.policies.headroom import headroom_space
from wva.policies.hpa.policy import HpaPolicy
from wva.policies.hpa.space import hpa_space
from wva.policies.keda.policy import KedaPolicy
from wva.policies.keda.space import keda_space
from wva.policies.kpa.policy import KpaPolicy
from wva.policies.kpa.space import kpa_space
from wva.policies.saturation.percent_policy import SaturationPercentPolicy
from wva.policies.saturation.space import percent_space, tokens_space
from wva.policies.saturation.tokens_policy import SaturationTokensPolicy
from wva.policies.schedule import SchedulePolicy
from wva.policies.slo_law.policy import SloLawPolicy
from wva.policies.slo_law.space import slo_law_space
from wva.policies.space import SpaceOf
from wva.policies.static import StaticPolicy

POLICIES: dict[str, type[Policy[Any]]] = {
    "static": StaticPolicy,
    "hpa": HpaPolicy,
    "saturation-percent": SaturationPercentPolicy,
    "saturation-tokens": SaturationTokensPolicy,
    "keda": KedaPolicy,
    "kpa": KpaPolicy,
    "apa": ApaPolicy,
    "slo-law": SloLawPolicy,
    "dynamo": DynamoPolicy,
    "wva": WvaPolicy,
    "schedule": SchedulePolicy,
}

SPACES: dict[str, SpaceOf] = {
    "hpa": hpa_space,
    "saturation-percent": percent_space,
    "saturation-tokens": tokens_space,
    "keda": keda_space,
    "kpa": kpa_space,
    "apa": apa_space,
    "slo-law": slo_law_space,
    "dynamo": dynamo_space,
    "wva": headroom_space,
}
"""What can be tuned of each policy."""


def make(name: str, options: Mapping[str, object] | None = None) -> Policy[Any]:
    """The policy of that name with those options, which are its fields as plain data, nested as in a YAML file."""
    policy_type = POLICIES.get(name)
    if policy_type is None:
        raise UserError(f"no policy is called {name!r}: choose one of {', '.join(POLICIES)}")
    if not options:
        return policy_type()
    # An adapter of a dataclass takes no configuration of its own; inside a tuple the dataclass takes the tuple's.
    fields: Any = GenericAlias(tuple, (policy_type,))
    adapter: TypeAdapter[tuple[Policy[Any]]] = TypeAdapter(fields, config=ConfigDict(extra="forbid"))
    try:
        (policy,) = adapter.validate_python((dict(options),))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:])
        text = first["msg"].removeprefix("Value error, ")
        raise UserError(f"policy {name}, option {where or 'values'}: {text}") from error
    return policy


def check_variants(policy: Policy[Any], variants: Collection[str]) -> None:
    """See that the options by variant name only name those of a fleet. Raises ``UserError`` where one does not."""
    assert is_dataclass(policy)
    for option in fields(policy):
        value = getattr(policy, option.name)
        unknown = sorted(set(value) - set(variants)) if isinstance(value, Mapping) else []
        if unknown:
            there = f"choose among {', '.join(sorted(variants))}"
            raise UserError(
                f"policy {policy.name}, option {option.name}.{unknown[0]}: there is no variant {unknown[0]!r}: {there}"
            )
