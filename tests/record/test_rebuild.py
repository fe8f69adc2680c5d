"""Every policy that users can choose comes back from a journal's header."""

from dataclasses import replace
from typing import Any

import pytest

from tests.record.threshold import Threshold
from wva.fleet.policy import Policy
from wva.policies.registry import POLICIES
from wva.record.rebuild import memory_type, rebuild_memory, rebuild_policy
from wva.record.run import describe_run


@pytest.mark.parametrize("policy", [*(kind() for kind in POLICIES.values()), Threshold()], ids=lambda one: one.name)
def test_a_policy_comes_back_from_its_description(policy: Policy[Any]) -> None:
    run = describe_run(policy, None, None, 0.0)
    assert rebuild_policy(run) == policy
    assert memory_type(run) is type(policy.initial_memory())


def test_configuration_values_keep_every_bit() -> None:
    policy = Threshold(limit=float("inf"))
    assert rebuild_policy(describe_run(policy, None, None, 0.0)) == policy
    policy = replace(policy, limit=0.1 + 0.2)
    assert rebuild_policy(describe_run(policy, None, None, 0.0)) == policy


def test_memory_comes_back_in_its_own_types() -> None:
    kind = type(Threshold().initial_memory())
    memory: Any = rebuild_memory(kind, {"version": 1, "last_growth": 2, "windows": {"a": [{"at": 1, "waiting": None}]}})
    assert memory.windows["a"][0].waiting is None
    assert hash(memory.windows["a"])
