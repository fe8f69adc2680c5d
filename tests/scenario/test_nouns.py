from pathlib import Path

from wva.fleet.model import Model, Objectives
from wva.fleet.variant import EngineArguments, Role, Variant
from wva.scenario.load import parse_scenario
from wva.scenario.nouns import fleet_models, fleet_variants

TEXT = """
name: two
workload: [{model: m, trace: a.csv}]
models: {m: {shape: s, precision: fp8, objectives: {ttft: 2s, tpot: 100ms}, priority: -1}}
variants:
  - {name: v, model: m, accelerator: A100-80GB, cost: 1.8, min: 0, max: 4, initial: 1, max_num_seqs: 64}
  - {name: w, model: m, accelerator: H100-80GB, tensor_parallel: 2, cost: 6, min: 1, max: 2, initial: 1, startup: 5s}
"""

SCENARIO = parse_scenario(TEXT, "f.yaml", Path())


def test_models_are_in_the_default_namespace() -> None:
    assert fleet_models(SCENARIO) == (
        Model(
            name="m",
            namespace="default",
            shape="s",
            precision="fp8",
            objectives=Objectives(ttft_s=2.0, tpot_s=0.1),
            priority=-1,
        ),
    )


def test_variants_keep_every_value_and_their_order() -> None:
    first = Variant(
        name="v",
        model="m",
        role=Role.BOTH,
        accelerator="A100-80GB",
        tensor_parallel=1,
        engine=EngineArguments(max_num_seqs=64, max_num_batched_tokens=None),
        cost_per_hour=1.8,
        min_replicas=0,
        max_replicas=4,
        startup_s=110.0,
    )
    second = Variant("w", "m", Role.BOTH, "H100-80GB", 2, EngineArguments(), 6.0, 1, 2, 5.0)
    assert fleet_variants(SCENARIO) == (first, second)
