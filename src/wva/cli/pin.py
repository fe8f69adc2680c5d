"""``wva pin`` and ``wva unpin``: hold a variant at a count, and leave it to the policy again."""

from typing import Annotated

import typer

from wva.cli.running import RunOption, order
from wva.live.run_directory import USUAL

Variant = Annotated[str, typer.Argument(help="Name of the variant.")]


def pin(
    variant: Variant,
    count: Annotated[int, typer.Argument(min=0, help="Replicas that it is to have.")],
    run: RunOption = USUAL,
) -> None:
    """Hold a variant of a running fleet at a count, until wva unpin; the others are planned around it."""
    order(run, lambda fleet: fleet.pin(variant, count))
    print(f"{variant} is held at {count}, until wva unpin {variant}")


def unpin(variant: Variant, run: RunOption = USUAL) -> None:
    """Let the policy decide again how many replicas a variant has."""
    order(run, lambda fleet: fleet.unpin(variant))
    print(f"{variant} is the policy's again")
