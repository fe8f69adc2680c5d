"""Which endpoint pickers stand in front of which models, and where they show their metrics."""

from typing import Any

import pytest

from tests.kubernetes import bodies
from tests.kubernetes.fleet_kit import inference_pool
from wva.kubernetes.measuring.pickers import Address, PickerService, addresses, label_selector, pickers_of
from wva.kubernetes.objects.inference_pool import InferencePool
from wva.kubernetes.objects.inference_pool import inference_pool as read_pool
from wva.kubernetes.objects.selector import selector
from wva.kubernetes.objects.service import service
from wva.kubernetes.objects.workload import Workload, workload


def serving(name: str, label: str, namespace: str = "team") -> Workload:
    labels: dict[str, Any] = {"llm-d.ai/model": label}
    pod = bodies.template("--model=m", **labels)
    return workload(bodies.deployment(name, pod=pod, namespace=namespace))


def pool(name: str, label: str, picker: str, version: str = "v1alpha2", namespace: str = "team") -> InferencePool:
    body = inference_pool(name, label, picker, version)
    body["metadata"]["namespace"] = namespace
    return read_pool(body)


LLAMA = [("team/llama", serving("a", "llama")), ("team/llama", serving("b", "llama"))]
QWEN = [("team/qwen", serving("c", "qwen"))]
PICKER = PickerService("team", "picker")


@pytest.mark.parametrize(
    ("pools", "group", "expected"),
    [
        ([], None, {}),
        ([pool("p", "llama", "picker")], None, {"team/llama": {PICKER}}),
        ([pool("p", "llama", "picker", "v1")], None, {"team/llama": {PICKER}}),
        ([pool("p", "llama", "picker", "v1")], "inference.networking.x-k8s.io", {}),
        # One of the same name elsewhere is another team's.
        ([pool("p", "llama", "picker", namespace="other")], None, {}),
        (
            [pool("p", "llama", "picker"), pool("q", "llama", "second"), pool("r", "qwen", "picker")],
            None,
            {"team/llama": {PICKER, PickerService("team", "second")}, "team/qwen": {PICKER}},
        ),
    ],
)
def test_pools_stand_in_front_of_the_models_whose_pods_they_select(
    pools: list[InferencePool], group: str | None, expected: dict[str, set[PickerService]]
) -> None:
    found = pickers_of([*LLAMA, *QWEN], pools, group)
    assert {model: set(services) for model, services in found.items()} == expected


def a_service(*ports: dict[str, Any]) -> Any:
    spec = {"selector": {"app": "picker"}, "ports": list(ports)}
    return service({"metadata": {"namespace": "team", "name": "picker"}, "spec": spec})


def picker_pod(
    name: str, ip: str | None = "10.0.0.1", *, ready: bool = True, ports: tuple[dict[str, Any], ...] = (), **more: Any
) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    return {
        "metadata": {"namespace": "team", "name": name, **more},
        "spec": {"containers": [{"name": "epp", "ports": list(ports)}]},
        "status": {"podIP": ip, "conditions": conditions},
    }


GRPC = {"name": "grpc", "port": 9002}
METRICS = {"name": "http-metrics", "port": 80, "targetPort": 9090}
BY_NAME = {"name": "http-metrics", "port": 80, "targetPort": "prom"}
PROM = {"name": "prom", "containerPort": 9091}
OWN = {"name": "metrics", "containerPort": 9092}


@pytest.mark.parametrize(
    ("ports", "pods", "expected"),
    [
        ([GRPC, METRICS], [picker_pod("a")], ["http://10.0.0.1:9090"]),
        ([GRPC, BY_NAME], [picker_pod("a", ports=(OWN, PROM))], ["http://10.0.0.1:9091"]),
        ([GRPC], [picker_pod("a", ports=(PROM, OWN))], ["http://10.0.0.1:9092"]),
        ([METRICS], [picker_pod("a", "fd00::1")], ["http://[fd00::1]:9090"]),
        ([METRICS], [picker_pod("a"), picker_pod("b", "10.0.0.2")], ["http://10.0.0.1:9090", "http://10.0.0.2:9090"]),
        ([METRICS], [picker_pod("a", ready=False)], []),
        ([METRICS], [picker_pod("a", None)], []),
        ([METRICS], [picker_pod("a", deletionTimestamp="2026-01-01T00:00:00Z")], []),
        ([METRICS], [], []),
    ],
)
def test_where_pickers_show_their_metrics(
    ports: list[dict[str, Any]], pods: list[dict[str, Any]], expected: list[str]
) -> None:
    found = addresses(a_service(*ports), pods)
    assert isinstance(found, tuple)
    assert [each.url for each in found] == expected
    assert all(each == Address(f"team/{each.id.partition('/')[2]}", each.url) for each in found)


def test_a_picker_without_a_metrics_port_is_told() -> None:
    found = addresses(a_service(GRPC), [picker_pod("a", ports=(PROM,))])
    assert found == "neither Service team/picker nor its pods have a port whose name speaks of metrics; add one"


def test_a_selector_as_a_query() -> None:
    assert label_selector(selector({"matchLabels": {"app": "picker", "tier": "x"}})) == "app=picker,tier=x"
