from pathlib import Path

import pytest

from tests.report.tiny import tiny
from wva.report.compare import compare
from wva.report.comparison import Comparison
from wva.report.contenders import parse_contenders
from wva.scenario.load import load_scenario


@pytest.fixture(scope="session")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Comparison, Path]:
    """A comparison of two policies on the tiny scenario, and its directory."""
    directory = tmp_path_factory.mktemp("compared")
    out = directory / "out"
    scenario = load_scenario(tiny(directory))
    return compare(scenario, parse_contenders(["static", "hpa", "static-best"]), out), out
