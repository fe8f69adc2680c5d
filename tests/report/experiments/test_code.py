"""A result depends on the code that made it, and on no other."""

from pathlib import Path

import wva
from wva.report.experiments.code import _closure, digest_of_modules

ROOT = Path(wva.__file__).parent


def names(*modules: str) -> set[str]:
    return {path.relative_to(ROOT).as_posix() for path in _closure(modules)}


def test_a_policy_depends_on_what_it_imports_and_on_no_other_policy() -> None:
    hpa = names("wva.policies.hpa.policy")
    assert {"policies/hpa/policy.py", "policies/hpa/settings.py", "decide/view.py", "fleet/plan.py"} <= hpa
    assert "__init__.py" in hpa
    assert not {"policies/static.py", "policies/registry.py", "decide/brain.py"} & hpa
    assert "decide/need.py" in names("wva.decide.brain")


def test_other_modules_have_other_digests() -> None:
    both = digest_of_modules("wva.policies.static", "wva.policies.hpa.policy")
    assert len({both, digest_of_modules("wva.policies.static"), digest_of_modules("wva.policies.hpa.policy")}) == 3
