"""Nodes of which only some count."""

from dataclasses import replace
from pathlib import Path

from tests.kubernetes import bodies
from tests.kubernetes.apply import apply
from tests.kubernetes.waiting import until
from tests.kubernetes.watching.watching import watching
from wva.kubernetes.api.client import Api
from wva.kubernetes.api.resource import NODES
from wva.kubernetes.scope import Scope


async def test_a_node_counts_while_it_has_the_label(api: Api, namespace: str, kubeconfig: Path) -> None:
    names = [f"{namespace}-{place}" for place in range(2)]
    try:
        for name in names:
            made = bodies.node(name)
            await apply(api, None, {"apiVersion": "v1", "kind": "Node", **made})
        await _label(api, names[0], namespace)
        scope = replace(Scope(namespace, only_namespace=namespace), nodes=f"of={namespace}")
        async with watching(kubeconfig, scope) as watch:
            await watch.until_synced()

            async def seen(wanted: list[str]) -> bool:
                return [node.name for node in watch.mirror.nodes() or ()] == wanted

            await until(lambda: seen(names[:1]), "the node with the label")
            await _label(api, names[1], namespace)
            await _label(api, names[0], None)
            await until(lambda: seen(names[1:]), "the other one")
    finally:
        for name in names:
            await api.delete(NODES, None, name)


async def _label(api: Api, name: str, value: str | None) -> None:
    await api.patch(NODES, None, name, {"metadata": {"labels": {"of": value}}})
