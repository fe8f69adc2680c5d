"""What /metrics shows, as Prometheus reads it."""

import subprocess
from typing import Any

import pytest

from tests.gateway.rig import gateway_of
from tests.gateway.upstream import breaks, running
from wva.fleet.model import Objectives
from wva.gateway.metrics import MAX_FLOWS
from wva.gateway.settings import ServedModel

LABELS = {
    "inference_extension_flow_control_queue_size": "fairness_id inference_pool model_name priority target_model_name",
    "inference_extension_flow_control_queue_bytes": "fairness_id inference_pool model_name priority target_model_name",
    "inference_objective_request_total": "model_name priority target_model_name",
    "inference_objective_request_sizes_sum": "model_name target_model_name",
    "inference_objective_request_error_total": "error_code model_name target_model_name",
    "inference_objective_running_requests": "model_name",
    "llm_d_epp_request_ttft_seconds_sum": "fairness_id model_name priority streaming target_model_name",
    "llm_d_epp_request_streaming_tpot_seconds_sum": "fairness_id model_name priority target_model_name",
}
"""Of llm-d's router (pkg/epp/metrics)."""


async def test_the_series_and_labels_are_those_of_the_router_and_promtool_finds_no_fault() -> None:
    async with running() as server, gateway_of() as rig:
        rig.place(server)
        short, streamed = b'{"model": "m", "prompt": "hi"}', b'{"model": "m", "prompt": "hi", "stream": true}'
        for body in (short, streamed):
            async with rig.http.post(rig.url + "/v1/completions", data=body) as got:
                await got.read()
        found = await rig.metrics()
        for name, labels in LABELS.items():
            assert {" ".join(key for key, _ in has) for one, has in found if one == name} == {labels}, name
        assert await rig.metric("inference_objective_request_total") == 2
        assert await rig.metric("inference_objective_request_sizes_sum") == len(short) + len(streamed)
        assert await rig.metric("llm_d_epp_request_ttft_seconds_count", streaming="true") == 1
        assert await rig.metric("llm_d_epp_request_ttft_seconds_count", streaming="false") == 1
        assert await rig.metric("llm_d_epp_request_streaming_tpot_seconds_count") == 1
        assert await rig.metric("wva_gateway_outcomes_total", outcome="completed") == 2
        assert await rig.metric("wva_gateway_backend_requests_total", instance=server.url, outcome="completed") == 2
        async with rig.http.get(rig.url + "/metrics") as got:
            text = await got.read()
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)
    # It takes the d of llm-d for days; the names are the router's.
    faults = checked.stderr.decode().splitlines()
    assert checked.stdout == b""
    assert [line for line in faults if not (line.startswith("llm_d_epp_") and line.endswith("abbreviated units"))] == []


async def test_before_any_request_all_counters_of_a_model_are_there_at_zero() -> None:
    async with gateway_of() as rig:
        found = {one for one, has in await rig.metrics() if dict(has).get("model_name") == "m"}
        assert {"inference_objective_request_total", "inference_objective_request_error_total"} <= found
        assert await rig.metric("inference_extension_flow_control_queue_size", target_model_name="m") == 0


async def test_an_answer_that_broke_off_is_in_no_latency() -> None:
    async with running(breaks) as server, gateway_of() as rig:
        rig.place(server)
        async with rig.http.post(rig.url + "/v1/completions", json={"model": "m", "stream": True}) as got:
            with pytest.raises(Exception, match="payload"):
                await got.read()
        assert await rig.metric("llm_d_epp_request_ttft_seconds_count") == 0


async def test_clients_cannot_make_series_without_end() -> None:
    async with running() as server, gateway_of() as rig:
        rig.place(server)
        for number in range(MAX_FLOWS + 5):
            await rig.post(headers={"x-llm-d-inference-fairness-id": f"client {number}"})
        found: dict[Any, float] = await rig.metrics()
        name = "llm_d_epp_request_ttft_seconds_count"
        flows = {dict(has)["fairness_id"]: value for (one, has), value in found.items() if one == name}
        assert len(flows) == MAX_FLOWS + 1
        assert flows["other"] == 5


@pytest.mark.parametrize(
    ("objectives", "met"),
    [
        (Objectives(ttft_s=5.0, tpot_s=5.0), 2),
        (Objectives(ttft_s=1e-9, tpot_s=5.0), 1),
        (Objectives(ttft_s=1e-9, tpot_s=1e-9), 0),
        (None, 0),
    ],
)
async def test_answers_that_keep_the_objectives_are_counted(objectives: Objectives | None, met: int) -> None:
    # One answer that is not streamed shows only when it is whole: the first token's own time is not known.
    async with running() as server, gateway_of(ServedModel("m", objectives=objectives)) as rig:
        rig.place(server)
        for streaming in (False, True):
            async with rig.http.post(
                rig.url + "/v1/completions", json={"model": "m", "prompt": "hi", "stream": streaming}
            ) as got:
                await got.read()
        assert await rig.metric("wva_gateway_met_total", model_name="m") == met
        tally = rig.gateway.tally("m")
        assert (tally.offered, tally.ended, tally.met, tally.failed) == (2, 2, met, 0)
