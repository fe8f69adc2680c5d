"""The cycle that is measured decides for every variant, by what is said of the pods that are there."""

import io

import pytest
from bench.kubernetes_cycle.__main__ import measure, missed, table
from bench.kubernetes_cycle.answers import Answers
from bench.kubernetes_cycle.layout import layout
from rich.console import Console

from wva.fleet.replica import InstanceMetrics, Phase


@pytest.mark.slow
async def test_a_small_cluster() -> None:
    shape = layout(50, 500)
    found = await measure(shape, 3, Console(file=io.StringIO()))
    plan, observation = found.last.plan, found.last.observation
    names = {f"{place.model.namespace}/{place.name}" for place in shape.variants}
    assert {part.variant for part in plan.variants} == names
    assert len(plan.variants) == 50
    assert all(model.traffic is not None and model.traffic.arrival_rate_1m for model in observation.models)

    replicas = {replica.id: replica for seen in observation.variants for replica in seen.replicas}
    pods = {f"{place.model.namespace}/{name}" for place in shape.variants for name in place.pods}
    ghosts = {f"{place.model.namespace}/{name}" for place in shape.variants for name in place.ghosts}
    assert ghosts
    assert set(replicas) == pods

    answers = Answers(shape)
    serving = {name: one for name, one in replicas.items() if one.phase is Phase.READY}
    metrics = {name: one.instances[0].metrics for name, one in serving.items()}
    partly = wholly = 0
    for name, missing in answers.gaps().items():
        if name in metrics and missing:
            seen = metrics[name]
            if "vllm:num_requests_running" in missing:
                wholly += 1
                assert seen is None
            elif "vllm:kv_cache_usage_perc" in missing:
                partly += 1
                assert isinstance(seen, InstanceMetrics)
                assert seen.kv_usage is None
    assert wholly
    assert sum(seen is not None and seen.kv_usage is not None for seen in metrics.values()) > 450
    assert len(found.times) == 4
    assert table(found).row_count > 5
    assert all(text and "\n" not in text for text in missed(found))
