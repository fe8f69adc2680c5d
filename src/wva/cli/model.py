"""``wva model``: the model shapes that are known, and adding one."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from wva.engine.weights import parameters
from wva.fleet.catalogue import models, user_models
from wva.fleet.huggingface import read_config
from wva.fleet.shape import ModelShape
from wva.fleet.user_catalogue import add_model

app = typer.Typer(help="The model shapes that are known, and adding one.", no_args_is_help=True)


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="The name to know it by, usually its Hugging Face id.")],
    config: Annotated[Path, typer.Argument(metavar="CONFIG.json", help="The checkpoint's config.json.")],
) -> None:
    """Add a model to your catalogue from its config.json."""
    shape = read_config(name, config)
    path = add_model(shape)
    Console().print(f"added {name} ({parameters(shape) / 1e9:.1f} B parameters) to {path}", highlight=False)


@app.command("list")
def list_models() -> None:
    """List the models whose shapes are known."""
    table = Table(box=None)
    table.add_column("model", overflow="fold")
    for heading in ("parameters", "layers", "experts", "context"):
        table.add_column(heading, justify="right")
    table.add_column("added by")
    mine = user_models()
    for name, shape in sorted(models().items()):
        table.add_row(name, *_cells(shape), "you" if name in mine else "wva")
    Console().print(table)


def _cells(shape: ModelShape) -> list[str]:
    experts = f"{shape.experts_per_token} of {shape.experts}" if shape.experts else "-"
    return [f"{parameters(shape) / 1e9:.1f} B", str(shape.layers), experts, f"{shape.max_model_len:,}"]
