"""What is told of a process that ended: one line of its log."""

from pathlib import Path

import pytest

from wva.local.log import cause, last_line

ENGINE_FAILED = """\
(EngineCore pid=7) ERROR 11-21 20:45:03 [core.py:1510] Traceback (most recent call last):
(EngineCore pid=7) ERROR 11-21 20:45:03 [core.py:1510]     raise ValueError(
(EngineCore pid=7) ERROR 11-21 20:45:03 [core.py:1510] ValueError: the cache is too small for 4096 tokens
Process EngineCore:
Traceback (most recent call last):
    raise ValueError(
ValueError: the cache is too small for 4096 tokens
Traceback (most recent call last):
    raise RuntimeError(
RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}
/lib/python3.11/multiprocessing/resource_tracker.py:254: UserWarning: resource_tracker: There appear to be 1 leaked
  warnings.warn('resource_tracker: There appear to be %d '
"""
"""How vLLM 0.32 ends when its engine cannot start."""
ENGINE_DIED = """\
(APIServer pid=7) ERROR [async_llm.py:906] vllm.v1.engine.exceptions.EngineDeadError: See stack trace (above)
INFO:     Application shutdown complete.
"""


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", None),
        ("wva: starts: run\n", None),
        ("before\nwva: starts: run\n", None),
        ("wva: starts: run\nTraceback\n  ValueError: no\n\n", "ValueError: no"),
        ("wva: starts: run\n" + "x" * 300, "x" * 200 + "…"),
        ("y" * 100_000 + "\nlast", "last"),
    ],
)
def test_the_last_line_of_a_log(tmp_path: Path, text: str, line: str | None) -> None:
    (tmp_path / "log").write_text(text)
    assert last_line(tmp_path / "log") == line
    assert last_line(tmp_path / "none") is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("", None, id="it said nothing"),
        pytest.param("loading\nno such weights\n", "no such weights", id="no error: its last line"),
        pytest.param("OSError: disk\nleaked 3 objects\n", "OSError: disk", id="an error, and what came after it"),
        pytest.param("KeyError: 1\nMemoryError\n", "MemoryError", id="the last of several, without a text"),
        pytest.param("0 Errors: none\nready\n", "ready", id="no error though it reads like one"),
        pytest.param(ENGINE_FAILED, "ValueError: the cache is too small for 4096 tokens", id="the cause, not who fell"),
        pytest.param(
            ENGINE_DIED,
            "vllm.v1.engine.exceptions.EngineDeadError: See stack trace (above)",
            id="the cause is not there: who fell",
        ),
        pytest.param("OSError: old\nwva: starts: run\nnew\n", "new", id="what an earlier start said is past"),
    ],
)
def test_why_a_process_failed(tmp_path: Path, text: str, why: str | None) -> None:
    (tmp_path / "log").write_text(text)
    assert cause(tmp_path / "log") == why
