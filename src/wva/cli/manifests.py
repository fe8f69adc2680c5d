"""``wva manifests``: what to install in a cluster."""

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from wva.fleet.errors import UserError
from wva.kubernetes.manifests.installation import Installation, Kubernetes
from wva.kubernetes.manifests.parts import Part, objects
from wva.kubernetes.manifests.text import as_yaml, kustomization
from wva.kubernetes.settings import HOME


def manifests(
    kubernetes: Annotated[Kubernetes, typer.Option(help="The API server's version.")] = Kubernetes.CURRENT,
    namespace: Annotated[str, typer.Option(help="Where the controller runs.")] = HOME,
    namespaced: Annotated[
        bool, typer.Option("--namespaced", help="Look at that namespace alone, with rights for it alone.")
    ] = False,
    image: Annotated[str | None, typer.Option(help="Of the controller. Default: wva of this version.")] = None,
    instance: Annotated[
        str | None, typer.Option(help="Look only at objects labelled wva.llmd.ai/controller-instance with this.")
    ] = None,
    lease: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of the Lease that tells who leads, also in the Role.")
    ] = None,
    part: Annotated[Part, typer.Option(help="What to print; all is everything but monitoring.")] = Part.ALL,
    kustomize: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write a folder for kustomize instead of printing.")
    ] = None,
) -> None:
    """Print what to install in a Kubernetes cluster, as YAML: wva manifests | kubectl apply -f -."""
    chosen = Installation(
        image=image or f"wva:{version('wva')}",
        namespace=namespace,
        kubernetes=kubernetes,
        namespaced=namespaced,
        instance=instance,
        lease=lease,
    )
    if kustomize is None:
        typer.echo(as_yaml(objects(chosen, part)), nl=False)
        return
    try:
        kustomize.mkdir(parents=True, exist_ok=True)
        for name, text in kustomization(chosen).items():
            (kustomize / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{kustomize}: cannot be written ({error.strerror}); choose another folder") from None
