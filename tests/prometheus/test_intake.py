"""A fleet in a cluster, from answers about pods: who is who, what is added up, and what is not there."""

import json
import math
import re
from typing import Any

import pytest

from wva.fleet.readings import Endpoint, Readings
from wva.prometheus.families import GATEWAY, GatewayColumn
from wva.prometheus.intake import Intake
from wva.prometheus.labels import JoinBy, Labels

RUNNING, USAGE, WAITING = "vllm:num_requests_running", "vllm:kv_cache_usage_perc", "vllm:num_requests_waiting"
PROMPTS = "vllm:prompt_tokens_total"
QUEUE = "inference_extension_flow_control_queue_size"
AT = 1000.0

Found = tuple[str, dict[str, str], list[tuple[float, float]]]


def pod(name: str = "p", namespace: str = "team", instance: str = "10.0.0.1:8000", **more: str) -> dict[str, str]:
    return {"namespace": namespace, "pod": name, "instance": instance, "job": "vllm", **more}


def picker(model: str, namespace: str, **more: str) -> dict[str, str]:
    return pod(f"{model}-epp", namespace, f"{model}.{namespace}:9090", target_model_name=model, **more)


def body(series: list[Found]) -> bytes:
    result: list[Any] = [
        {"metric": {"__name__": name, **labels}, "values": [[time, f"{value:g}"] for time, value in samples]}
        for name, labels, samples in series
    ]
    whole = {"status": "success", "data": {"resultType": "matrix", "result": result}}
    return json.dumps(whole, separators=(",", ":")).encode()


def ask(intake: Intake, *series: Found, at: float = AT) -> list[str]:
    """Answer every question with those of the series that it asks for; the problems."""
    intake.begin()
    for question in intake.questions(60):
        asked = re.search(r'__name__=~?"([^"]*)"', question.query)
        assert asked is not None
        question.read(body([one for one in series if one[0] in asked.group(1).split("|")]))
    return intake.take(at)


def by_pod() -> Intake:
    return Intake(Labels(join_by=JoinBy.POD))


def read(intake: Intake, *pods: str, models: tuple[str, ...] = (), now: float = AT) -> Readings:
    return intake.readings([Endpoint(name, "m", "v", "http://10.9.9.9:8000") for name in pods], models, now)


def test_engines_are_asked_for_what_policies_decide_by_in_one_query_for_each_metric() -> None:
    queries = [question.query for question in by_pod().questions(60)]
    assert sum("vllm:" in query and "[60s]" in query for query in queries) == 12
    assert not any(name in query for query in queries for name in ("preemptions", "time_to_first", "success"))


def test_latencies_of_gateways_are_asked_for_where_they_are_wanted() -> None:
    for latencies in (True, False):
        queries = [question.query for question in Intake(Labels(), latencies=latencies).questions(60)]
        assert any("_bucket" in query for query in queries) is latencies


def test_pods_of_one_name_in_two_namespaces_are_two() -> None:
    intake = by_pod()
    ask(intake, (RUNNING, pod(), [(990, 3)]), (RUNNING, pod(namespace="other", instance="10.0.0.2:8000"), [(991, 5)]))
    instances = read(intake, "team/p", "other/p", "team/gone").instances
    metrics = {name: reading.metrics for name, reading in instances.items()}
    assert {name: each and (each.running, each.age_s) for name, each in metrics.items()} == {
        "team/p": (3, 10),
        "other/p": (5, 9),
    }


def test_what_is_not_said_is_unknown() -> None:
    intake = by_pod()
    ask(intake, (RUNNING, pod(), [(990, 3)]), (WAITING, pod("q"), [(990, 3)]))
    instances = read(intake, "team/p", "team/q").instances
    metrics = instances["team/p"].metrics
    assert metrics is not None
    assert (metrics.running, metrics.waiting, metrics.kv_usage, metrics.prompt_tokens_rate_5m) == (3, None, None, None)
    # An engine that does not say what it runs is none.
    assert instances["team/q"].metrics is None


def test_servers_of_one_pod_are_added_up_and_scrapers_are_not() -> None:
    intake = by_pod()
    ports = [pod(instance=f"10.0.0.1:{port}", job=job) for port in (8000, 8001) for job in ("a", "b")]
    series: list[Found] = []
    for place, labels in enumerate(ports):
        # The two servers of the pod, and the two scrapers of each, have their turns at different times.
        times = [(970.0 + place, 100.0), (985.0 + place, 250.0)]
        series += [(RUNNING, labels, [(time, 4) for time, _ in times]), (PROMPTS, labels, times)]
        series.append((USAGE, labels, [(time, 0.25 + place // 2 * 0.5) for time, _ in times]))
        series.append(("vllm:cache_config_info", {**labels, "kv_cache_size_tokens": "500"}, [(AT, 1)]))
    ask(intake, *series)
    reading = read(intake, "team/p").instances["team/p"]
    metrics = reading.metrics
    assert metrics is not None
    assert (metrics.running, metrics.kv_usage, metrics.kv_usage_max_1m) == (8, 0.5, 0.5)
    assert metrics.prompt_tokens_total == 500
    # From the first scrape by whomever to the last: 16 s.
    assert metrics.prompt_tokens_rate_5m == pytest.approx(2 * 150 / 16)
    assert metrics.age_s == AT - 986


def test_what_one_server_of_a_pod_does_not_know_is_unknown_of_the_pod() -> None:
    intake = by_pod()
    first, second = pod(instance="10.0.0.1:8000"), pod(instance="10.0.0.1:8001")
    ask(intake, (RUNNING, first, [(990, 3)]), (RUNNING, second, [(991, 3)]), (WAITING, first, [(990, 1)]))
    metrics = read(intake, "team/p").instances["team/p"].metrics
    assert metrics is not None
    assert (metrics.running, metrics.waiting) == (6, None)


def test_a_pod_that_came_back_with_another_address_is_the_same() -> None:
    intake = by_pod()
    before, after = pod(instance="10.0.0.1:8000"), pod(instance="10.0.0.7:8000")
    samples: list[Found] = [(RUNNING, before, [(950, 3)]), (PROMPTS, before, [(950, 900)])]
    ask(intake, *samples, (RUNNING, after, [(990, 2)]), (PROMPTS, after, [(990, 80)]))
    metrics = read(intake, "team/p").instances["team/p"].metrics
    assert metrics is not None
    # Its counter began anew: all that it shows has come since.
    assert (metrics.running, metrics.prompt_tokens_rate_5m) == (2, 2.0)


def test_a_server_that_is_gone_counts_no_more_after_a_minute() -> None:
    intake = by_pod()
    first, second = pod(instance="10.0.0.1:8000"), pod(instance="10.0.0.1:8001")
    ask(intake, (RUNNING, first, [(900, 3)]), (RUNNING, second, [(905, 4)]))
    for at, running in ((960.0, 7), (966.0, 4)):
        ask(intake, (RUNNING, second, [(at, 4)]), at=at)
        metrics = read(intake, "team/p", now=at).instances["team/p"].metrics
        assert metrics is not None
        assert metrics.running == running


def test_what_was_not_seen_for_five_minutes_is_unknown_and_its_place_is_free() -> None:
    intake = by_pod()
    for number in range(50):
        at = AT + 400 * number
        ask(intake, (RUNNING, pod(f"p{number}"), [(at - 5, number)]), at=at)
        now = read(intake, f"team/p{number}", f"team/p{number - 1}", now=at).instances
        assert list(now) == [f"team/p{number}"]
        metrics = now[f"team/p{number}"].metrics
        assert metrics is not None
        assert metrics.running == number
    assert len(intake._engines._lanes.names) <= 2


def test_models_of_one_name_in_two_namespaces_have_their_own_gateways() -> None:
    intake = by_pod()
    ask(
        intake,
        (QUEUE, picker("m", "team"), [(990, 4)]),
        (QUEUE, picker("m", "other"), [(990, 7)]),
        # Another picker of the same model, as where it is replicated.
        (QUEUE, {**picker("m", "team"), "instance": "second:9090"}, [(991, 1)]),
    )
    traffic = read(intake, models=("team/m", "other/m", "team/n")).traffic
    assert {model: seen.queue_requests for model, seen in traffic.items()} == {"team/m": 5, "other/m": 7}
    assert traffic["team/m"].arrivals_total is None


@pytest.mark.parametrize("column", GatewayColumn)
def test_gateways_are_understood_by_all_names_of_a_metric(column: GatewayColumn) -> None:
    for name in GATEWAY[column]:
        intake = by_pod()
        ask(intake, (name, picker("m", "team"), [(990, 4)]))
        seen = read(intake, models=("team/m",)).traffic["team/m"]
        assert 4 in (seen.in_flight, seen.queue_requests, seen.queue_bytes, seen.arrivals_total, seen.failed_total) or (
            seen.arrived_bytes_total == 4
        )


@pytest.mark.parametrize(("name", "usage"), [("vllm:gpu_cache_usage_perc", 0.5), (USAGE, 0.25)])
def test_of_several_names_of_a_metric_the_newest_that_is_there_counts(name: str, usage: float) -> None:
    intake = by_pod()
    series: list[Found] = [(RUNNING, pod(), [(990, 3)]), ("vllm:gpu_cache_usage_perc", pod(), [(990, 0.5)])]
    if name == USAGE:
        series.append((name, pod(engine="0"), [(990, 0.25)]))
    ask(intake, *series)
    metrics = read(intake, "team/p").instances["team/p"].metrics
    assert metrics is not None
    assert metrics.kv_usage == usage


def test_nonsense_is_told_and_unknown() -> None:
    intake = by_pod()
    wrong = ask(intake, (RUNNING, pod(), [(985, 2), (990, math.nan)]), (USAGE, pod("q"), [(990, 7.0)]))
    assert sorted(wrong) == ["team/p: vllm:num_requests_running is nan", "team/q: a KV usage of 7"]
    assert read(intake, "team/p", "team/q").instances["team/p"].metrics is None
