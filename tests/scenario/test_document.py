"""A scenario survives being kept in a journal, with all that the command line changed."""

from pathlib import Path

import pytest

from tests.report.tiny import TINY
from wva.fleet.errors import UserError
from wva.gateway.settings import Queue
from wva.scenario.document import decode_scenario, encode_scenario
from wva.scenario.load import builtin_scenario, override, parse_scenario


def test_it_comes_back_as_it_was() -> None:
    for scenario in (builtin_scenario(), parse_scenario(TINY, "tiny", Path())):
        changed = override(scenario, scale=0.3, seeds=[4, 5], queue=Queue.GATEWAY, start_s=0.1, duration_s=20 / 3)
        assert decode_scenario(encode_scenario(changed), "a journal").model_dump() == changed.model_dump()


def test_traces_are_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    scenario = override(parse_scenario(TINY, "tiny", Path()), trace=Path("traces/t.csv"))
    kept = decode_scenario(encode_scenario(scenario), "a journal")
    assert kept.workload[0].trace == tmp_path / "traces" / "t.csv"


@pytest.mark.parametrize("document", ["{", "[]", '{"name": "x"}'])
def test_what_is_none_is_told_in_one_line(document: str) -> None:
    with pytest.raises(UserError, match="a journal"):
        decode_scenario(document, "a journal")
