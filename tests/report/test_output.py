from pathlib import Path

import pytest

from wva.fleet.errors import UserError
from wva.report.output import whole_directory


def fill(directory: Path, text: str = "new") -> None:
    (directory / "journals").mkdir()
    (directory / "journals" / "a.journal").write_text(text)
    (directory / "results.json").write_text(text)


def test_it_appears_whole(tmp_path: Path) -> None:
    out = tmp_path / "some" / "where"
    with whole_directory(out) as directory:
        assert not out.exists()
        fill(directory)
    assert [path.name for path in sorted(out.rglob("*"))] == ["journals", "a.journal", "results.json"]
    assert [path.name for path in out.parent.iterdir()] == ["where"]


@pytest.mark.parametrize("error", [UserError("no"), KeyboardInterrupt(), RuntimeError()])
def test_after_an_error_nothing_is_left(tmp_path: Path, error: BaseException) -> None:
    def interrupted() -> None:
        with whole_directory(tmp_path / "some" / "where") as directory:
            fill(directory)
            raise error

    with pytest.raises(type(error)):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_comparison_is_replaced_and_after_an_error_kept(tmp_path: Path) -> None:
    def fail() -> None:
        with whole_directory(tmp_path / "out") as directory:
            fill(directory)
            raise UserError("no")

    with whole_directory(tmp_path / "out") as directory:
        fill(directory, "old")
        (directory / "load.png").touch()
    with pytest.raises(UserError):
        fail()
    assert (tmp_path / "out" / "results.json").read_text() == "old"
    with whole_directory(tmp_path / "out") as directory:
        fill(directory)
    assert (tmp_path / "out" / "results.json").read_text() == "new"
    assert not (tmp_path / "out" / "load.png").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_empty_directory_is_filled(tmp_path: Path) -> None:
    inode = tmp_path.stat().st_ino
    with whole_directory(tmp_path) as directory:
        fill(directory)
    assert (tmp_path / "results.json").exists()
    assert tmp_path.stat().st_ino == inode


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["notes.txt"], "is not empty and no earlier comparison"),
        (["results.json", "notes.txt"], "holds notes.txt, which no comparison wrote"),
    ],
)
def test_what_is_not_ours_is_left_alone(tmp_path: Path, names: list[str], message: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for name in names:
        (out / name).touch()
    with pytest.raises(UserError, match=message), whole_directory(out):
        pass
    assert sorted(path.name for path in out.iterdir()) == sorted(names)


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(UserError, match="is no directory"), whole_directory(tmp_path / "out"):
        pass
    with pytest.raises(UserError, match="cannot be made"), whole_directory(tmp_path / "out" / "below"):
        pass
