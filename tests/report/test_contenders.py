from pathlib import Path

import pytest

from wva.fleet.errors import UserError
from wva.policies.registry import POLICIES
from wva.report.contenders import DEFAULT, file_name, parse_contenders


def options(directory: Path, name: str, text: str) -> str:
    (directory / name).write_text(text)
    return str(directory / name)


def labels(*texts: str) -> list[str]:
    return [contender.label for contender in parse_contenders(texts)]


def test_the_defaults_are_those_that_exist() -> None:
    assert labels() == [name for name in DEFAULT if name in POLICIES]


def test_labels_stay_unique(tmp_path: Path) -> None:
    slow = options(tmp_path, "slow.yaml", "tolerance: 0.2")
    named = options(tmp_path, "other.yaml", "name: quick\ntolerance: 0.01")
    assert labels("static", f"hpa={slow}") == ["static", "hpa"]
    assert labels("hpa", f"hpa={slow}", f"hpa={named}") == ["hpa", "hpa-slow", "quick"]
    assert labels("static-best") == ["static-best"]


def test_options_are_read(tmp_path: Path) -> None:
    (contender,) = parse_contenders([f"hpa={options(tmp_path, 'o.yaml', 'tolerance: 0.2')}"])
    assert contender.options == {"tolerance": 0.2}
    assert contender.configuration()["tolerance"] == 0.2
    (best,) = parse_contenders([f"static-best={options(tmp_path, 'o.yaml', 'attainment: 0.9')}"])
    assert best.configuration() == {"name": "static-best", "attainment": 0.9}
    (clairvoyant,) = parse_contenders(["clairvoyant"])
    assert clairvoyant.configuration() == {"name": "clairvoyant", "attainment": 0.99}


@pytest.mark.parametrize(
    ("policy", "text", "message"),
    [
        ("hpq", None, "no policy is called 'hpq': choose one of static, hpa"),
        ("hpa", "tolerances: 1", "policy hpa, option tolerances: Unexpected keyword argument"),
        ("hpa", "a: b: c", "o.yaml: line 1, column 5"),
        ("hpa", "- 1", "o.yaml: must be a mapping of keys to values"),
        ("static-best", "attainment: 1.5", "policy static-best, option attainment: "),
        ("static-best", "attain: 1", "policy static-best, option attain: "),
        ("clairvoyant", "attainment: 0", "policy clairvoyant, option attainment: "),
    ],
)
def test_mistakes_are_one_line(tmp_path: Path, policy: str, text: str | None, message: str) -> None:
    chosen = policy if text is None else f"{policy}={options(tmp_path, 'o.yaml', text)}"
    with pytest.raises(UserError) as caught:
        parse_contenders([chosen])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_mistakes() -> None:
    with pytest.raises(UserError, match="no such file"):
        parse_contenders(["hpa=nowhere.yaml"])
    with pytest.raises(UserError, match="name the options file"):
        parse_contenders(["hpa="])
    with pytest.raises(UserError, match="hpa is there 2 times"):
        parse_contenders(["hpa", "hpa"])


def test_file_names() -> None:
    assert file_name("a b/c") == "a-b-c"
    assert file_name("../..") == "policy"
