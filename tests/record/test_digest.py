"""Digests change with what decides, and with nothing else."""

from pathlib import Path

import wva
from wva.record.digest import code_digest, configuration_digest, digest_of_files


def _package(folder: Path) -> Path:
    for name, text in {"decide/guard.py": "a", "fleet/catalogues/gpu.toml": "b", "record/reader.py": "c"}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_code_and_catalogues_count(tmp_path: Path) -> None:
    package = _package(tmp_path)
    digests = {digest_of_files(package)}
    for name in ("decide/guard.py", "fleet/catalogues/gpu.toml", "policies/new.py"):
        (package / name).parent.mkdir(exist_ok=True)
        (package / name).write_text("changed")
        digests.add(digest_of_files(package))
    (package / "decide/guard.py").rename(package / "decide/renamed.py")
    digests.add(digest_of_files(package))
    assert len(digests) == 5


def test_what_does_not_decide_does_not_count(tmp_path: Path) -> None:
    package = _package(tmp_path)
    before = digest_of_files(package)
    (package / "record/reader.py").write_text("changed")
    (package / "decide/__pycache__").mkdir()
    (package / "decide/__pycache__/guard.pyc").write_bytes(b"compiled")
    assert digest_of_files(package) == before


def test_the_digest_of_the_running_code() -> None:
    assert code_digest() == digest_of_files(Path(wva.__file__).parent)
    assert len(code_digest()) == 64


def test_the_order_of_a_configuration_does_not_count() -> None:
    assert configuration_digest('{"a": 1, "b": 2}') == configuration_digest('{"b":2,"a":1}')
    assert configuration_digest('{"a": 1}') != configuration_digest('{"a": 2}')
