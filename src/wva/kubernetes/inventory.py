"""GPUs that are free, by accelerator: nodes without what any pod on them holds."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from wva.fleet.inventory import Inventory, Pool, Supply
from wva.kubernetes.objects.node import Node
from wva.kubernetes.objects.pod import Pod
from wva.kubernetes.resources import is_slice

_TO_ORDER = "(to order {})"
"""What nodes are called that are not there yet; no real node's name has brackets."""


@dataclass(frozen=True, slots=True)
class PoolPolicy:
    """What is promised of the nodes of one accelerator."""

    supply: Supply = Supply.UNKNOWN
    limit_gpus: int | None = None
    """Of an elastic pool: GPUs that there may be; ``None`` is without limit."""
    node_gpus: int | None = None
    """GPUs of a node that is ordered; ``None`` takes the largest that is there."""

    def __post_init__(self) -> None:
        for value in (self.limit_gpus, self.node_gpus):
            if value is not None and value < 1:
                raise ValueError(f"limits and sizes must be at least 1, got {value}")


@dataclass(frozen=True, slots=True)
class Pools:
    """What is promised of every accelerator."""

    by_accelerator: Mapping[str, PoolPolicy] = field(default_factory=dict)
    otherwise: PoolPolicy = PoolPolicy()


def inventory(
    nodes: Collection[Node] | None,
    pods: Iterable[Pod],
    accelerators: Iterable[str],
    pools: Pools,
    short_of: Collection[str] = (),
) -> Inventory:
    """The pools of the accelerators that variants ask for.

    Args:
        nodes: ``None`` where they may not be read, as in an installation for one namespace: every supply is unknown.
        pods: All pods of the cluster: what other workloads hold is not free.
        accelerators: Catalogue names.
        pools: What is promised.
        short_of: Accelerators of which nothing more comes for now, whatever is promised.

    """
    held = _held(pods)
    found = []
    for accelerator in sorted(set(accelerators)):
        own = sorted((node for node in nodes or () if _counts(node, accelerator)), key=lambda node: node.name)
        policy = pools.by_accelerator.get(accelerator, pools.otherwise) if nodes is not None else PoolPolicy()
        found.append(_pool(accelerator, own, held, policy, short=accelerator in short_of))
    return Inventory(tuple(found))


def _pool(
    accelerator: str, nodes: Collection[Node], held: Mapping[str, int | None], policy: PoolPolicy, *, short: bool
) -> Pool:
    room = [(node.name, free) for node in nodes if node.usable and (free := _free(node, held)) > 0]
    total = sum(node.gpus.count or 0 for node in nodes)
    if not short:
        # An order fails only after minutes; until it does, what can be ordered counts as free.
        if policy.supply is Supply.UNKNOWN or (policy.supply is Supply.ELASTIC and policy.limit_gpus is None):
            return Pool(accelerator, accelerator, policy.supply, None, None)
        if policy.supply is Supply.ELASTIC:
            room += _to_order(nodes, total, policy)
    limit = policy.limit_gpus if policy.supply is Supply.ELASTIC else total if policy.supply is Supply.FIXED else None
    return Pool(
        name=accelerator,
        accelerator=accelerator,
        supply=policy.supply,
        total_gpus=limit,
        free_by_node=tuple(free for _, free in room),
        nodes=tuple(name for name, _ in room),
    )


def _to_order(nodes: Collection[Node], total: int, policy: PoolPolicy) -> list[tuple[str, int]]:
    """Whole nodes that fit under the limit beside those that are there."""
    size = policy.node_gpus or max((node.gpus.count or 0 for node in nodes), default=0)
    left = (policy.limit_gpus or 0) - total
    return [(_TO_ORDER.format(place + 1), size) for place in range(left // size)] if size else []


def _counts(node: Node, accelerator: str) -> bool:
    whole = node.gpus.resource is not None and not is_slice(node.gpus.resource)
    return node.accelerator == accelerator and whole and bool(node.gpus.count)


def _held(pods: Iterable[Pod]) -> dict[str, int | None]:
    """GPUs held on every node; ``None`` where a pod holds an unknown number. One that stops holds them to its end."""
    held: dict[str, int | None] = defaultdict(int)
    for pod in pods:
        if pod.node is None or pod.ended or not pod.gpus.asked:
            continue
        before = held[pod.node]
        held[pod.node] = None if before is None or pod.gpus.count is None else before + pod.gpus.count
    return held


def _free(node: Node, held: Mapping[str, int | None]) -> int:
    taken = held.get(node.name, 0)
    return 0 if taken is None else (node.gpus.count or 0) - taken
