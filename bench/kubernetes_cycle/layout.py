"""A made-up cluster as plain figures: which variants serve which models, and where their pods are."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

SCRAPE_S = 15.0
NODE_GPUS = 8
POD_HASH = "5f7d9c8b6d"

PRODUCTS = {
    "L40S": "NVIDIA-L40S",
    "A100": "NVIDIA-A100-SXM4-80GB",
    "H100": "NVIDIA-H100-80GB-HBM3",
    "H200": "NVIDIA-H200",
}
"""Node label of each accelerator."""
COSTS = {"L40S": 1.8, "A100": 2.9, "H100": 4.2, "H200": 5.6}
"""Of a GPU for an hour."""


@dataclass(frozen=True, slots=True)
class Served:
    """A model of the catalogue."""

    loaded: str
    choices: tuple[tuple[str, int], ...]
    """Accelerator and tensor parallelism of the variants that it may have."""
    requests_per_s: float
    """What a replica is sent where its model has about as many as it needs."""


SERVED = (
    Served("meta-llama/Llama-3.1-8B-Instruct", (("L40S", 1), ("A100", 1), ("H100", 1), ("H200", 1)), 4.0),
    Served("Qwen/Qwen3-32B", (("A100", 2), ("H100", 2), ("H200", 1), ("L40S", 4)), 3.0),
    Served("openai/gpt-oss-120b", (("H100", 2), ("H200", 1), ("A100", 4)), 14.0),
    Served("meta-llama/Llama-3.1-70B-Instruct", (("H100", 4), ("A100", 4), ("H200", 2)), 3.0),
)


@dataclass(frozen=True, slots=True)
class ModelPlace:
    """A model in a namespace."""

    number: int
    namespace: str
    name: str
    served: Served
    requests_per_s: float
    """What a replica is sent."""


@dataclass(frozen=True, slots=True)
class VariantPlace:
    """A variant and its pods."""

    number: int
    name: str
    model: ModelPlace
    accelerator: str
    tensor_parallel: int
    pods: tuple[str, ...]
    nodes: tuple[str, ...]
    """Of each pod; the last ones are too many where some pods have no node."""
    ghosts: tuple[str, ...]
    """Pods that are gone and still have series."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The cluster."""

    models: tuple[ModelPlace, ...]
    variants: tuple[VariantPlace, ...]
    nodes: tuple[tuple[str, str], ...]
    """Name and accelerator."""


def layout(variants: int, pods: int, seed: int = 1) -> Layout:
    """A cluster of that size: two to four variants a model, few with many pods and many with few."""
    random = Random(seed)
    models: list[ModelPlace] = []
    chosen: list[tuple[ModelPlace, str, int]] = []
    while len(chosen) < variants:
        number = len(models)
        served = SERVED[number % len(SERVED)]
        rate = served.requests_per_s * random.uniform(0.4, 2.0)
        base = served.loaded.rsplit("/", 1)[-1].lower()
        model = ModelPlace(number, f"team-{number % max(1, variants // 40)}", f"{base}-{number}", served, rate)
        models.append(model)
        count = min(random.choice((2, 3, 3, 4)), len(served.choices), variants - len(chosen))
        chosen += [(model, *choice) for choice in random.sample(served.choices, count)]
    nodes = _Nodes()
    counts = _counts(random, variants, pods)
    return Layout(tuple(models), tuple(_variants(random, chosen, counts, nodes)), tuple(nodes.all))


def _counts(random: Random, variants: int, pods: int) -> list[int]:
    weights = [random.paretovariate(1.5) for _ in range(variants)]
    total = sum(weights)
    counts = [max(1, min(int(pods * weight / total), pods // 20 or 1)) for weight in weights]
    while (left := pods - sum(counts)) != 0:
        place = random.randrange(variants)
        counts[place] = max(1, counts[place] + (1 if left > 0 else -1))
    return counts


def _variants(
    random: Random, chosen: Sequence[tuple[ModelPlace, str, int]], counts: Sequence[int], nodes: "_Nodes"
) -> list[VariantPlace]:
    found = []
    for number, ((model, accelerator, tensor_parallel), count) in enumerate(zip(chosen, counts, strict=True)):
        name = f"{model.name}-{accelerator.lower()}"
        names = [f"{name}-{POD_HASH}-{random.getrandbits(25):05x}{index:x}" for index in range(count)]
        ghosts = sum(random.random() < 0.02 for _ in range(count))
        found.append(
            VariantPlace(
                number,
                name,
                model,
                accelerator,
                tensor_parallel,
                tuple(names),
                tuple(nodes.take(accelerator, tensor_parallel) for _ in names),
                tuple(f"{name}-{POD_HASH}-gone{index}" for index in range(ghosts)),
            )
        )
    return found


class _Nodes:
    """Nodes that are made as they are filled; every twentieth has room."""

    def __init__(self) -> None:
        self.all: list[tuple[str, str]] = []
        self._open: dict[str, tuple[str, int]] = {}

    def take(self, accelerator: str, gpus: int) -> str:
        """A node of that accelerator with so many free GPUs."""
        name, free = self._open.get(accelerator, ("", 0))
        if free < gpus:
            name, free = f"gpu-{accelerator.lower()}-{len(self.all)}", NODE_GPUS
            if len(self.all) % 20 == 0:
                free -= 4
            self.all.append((name, accelerator))
        self._open[accelerator] = (name, free - gpus)
        return name
