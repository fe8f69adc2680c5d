"""The page about Kubernetes says of rights and settings what is."""

from pathlib import Path

from wva.kubernetes.manifests.rights import Right, rights
from wva.kubernetes.settings import keys

PAGE = (Path(__file__).parents[3] / "docs/kubernetes.md").read_text()


def listed(names: tuple[str, ...]) -> str:
    """The first and the last of many."""
    shown = [f"`{name}`" for name in names]
    return " and ".join(shown) if len(shown) < 3 else f"{shown[0]}, {shown[1]} … {shown[-1]}"


def row(right: Right) -> str:
    what = ", ".join(f"`{name}`" for name in right.urls or right.resources)
    group = f" of {right.group}" if right.group else ""
    names = f", only {listed(right.names)}" if right.names else ""
    return f"| {what}{group}{names} | {', '.join(right.verbs)} | {right.where} | {right.why} |"


def test_every_right_is_explained_and_no_other() -> None:
    _, _, rest = PAGE.partition("## What each right is for")
    table = [line for line in rest.partition("## ")[0].splitlines() if line.startswith("| `")]
    assert table == [row(right) for right in rights()]


def test_every_setting_is_explained_and_no_other() -> None:
    _, _, rest = PAGE.partition("## Settings")
    first = [line.split("|")[1] for line in rest.partition("## ")[0].splitlines() if line.startswith("| `")]
    named = [name.strip(" `") for cell in first for name in cell.split(",")]
    assert sorted(named) == sorted(keys())
