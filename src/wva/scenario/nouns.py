"""A scenario, or a live fleet, in the nouns of the fleet."""

from wva.fleet.model import Model, Objectives
from wva.fleet.variant import EngineArguments, Variant
from wva.scenario.described import Described

NAMESPACE = "default"
"""Namespace of every model of a file."""


def fleet_models(described: Described) -> tuple[Model, ...]:
    """The models, in the file's order."""
    return tuple(
        Model(
            name=name,
            namespace=NAMESPACE,
            shape=spec.shape,
            precision=spec.precision,
            objectives=Objectives(ttft_s=spec.objectives.ttft, tpot_s=spec.objectives.tpot),
            priority=spec.priority,
        )
        for name, spec in described.models.items()
    )


def fleet_variants(described: Described) -> tuple[Variant, ...]:
    """The variants, in the file's order."""
    return tuple(
        Variant(
            name=spec.name,
            model=spec.model,
            role=spec.role,
            accelerator=spec.accelerator,
            tensor_parallel=spec.tensor_parallel,
            engine=EngineArguments(spec.max_num_seqs, spec.max_num_batched_tokens, spec.gpu_memory_utilization),
            cost_per_hour=spec.cost,
            min_replicas=spec.min,
            max_replicas=spec.max,
            startup_s=spec.startup,
        )
        for spec in described.variants
    )
