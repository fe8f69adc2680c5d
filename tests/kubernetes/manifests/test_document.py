"""The page about Kubernetes says of rights and settings what is."""

from pathlib import Path

from wva.kubernetes.manifests.rights import Right, rights
from wva.kubernetes.settings import LEASE, keys

PAGE = (Path(__file__).parents[3] / "docs/kubernetes.md").read_text()


def row(right: Right) -> str:
    what = ", ".join(f"`{name}`" for name in right.urls or right.resources)
    group = f" of {right.group}" if right.group else ""
    names = f", only {' and '.join(f'`{name}`' for name in right.names)}" if right.names else ""
    return f"| {what}{group}{names} | {', '.join(right.verbs)} | {right.where} | {right.why} |"


def test_every_right_is_explained_and_no_other() -> None:
    _, _, rest = PAGE.partition("## What each right is for")
    table = [line for line in rest.partition("## ")[0].splitlines() if line.startswith("| `")]
    assert table == [row(right) for right in rights(LEASE)]


def test_every_setting_is_explained_and_no_other() -> None:
    _, _, rest = PAGE.partition("## Settings")
    first = [line.split("|")[1] for line in rest.partition("## ")[0].splitlines() if line.startswith("| `")]
    named = [name.strip(" `") for cell in first for name in cell.split(",")]
    assert sorted(named) == sorted(keys())
