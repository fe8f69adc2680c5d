"""Services and inference pools: how endpoint pickers are reached."""

from typing import Any

import pytest

from tests.kubernetes import bodies
from wva.kubernetes.objects.inference_pool import InferencePool, Picker, inference_pool
from wva.kubernetes.objects.meta import meta
from wva.kubernetes.objects.selector import Requirement, Selector
from wva.kubernetes.objects.service import Service, ServicePort, service

CURRENT = "inference.networking.k8s.io"
OLDER = "inference.networking.x-k8s.io"
SELECTOR = Selector((Requirement("app", "In", ("x",)),))


def pool(group: str, version: str, **spec: Any) -> InferencePool:
    return inference_pool({"apiVersion": f"{group}/{version}", "metadata": bodies.metadata("p"), "spec": spec})


@pytest.mark.parametrize(
    ("reference", "picker"),
    [
        ({"name": "epp", "kind": "Service", "group": "", "port": {"number": 9003}}, Picker("epp", 9003)),
        ({"name": "epp"}, Picker("epp", None)),
        ({"name": "epp", "kind": "Backend", "group": "example.com"}, None),
        (None, None),
    ],
)
def test_a_pool_of_today(reference: dict[str, Any] | None, picker: Picker | None) -> None:
    picked = {} if reference is None else {"endpointPickerRef": reference}
    found = pool(CURRENT, "v1", selector={"matchLabels": {"app": "x"}}, targetPorts=[{"number": 8000}], **picked)
    assert (found.group, found.selector, found.ports, found.picker) == (CURRENT, SELECTOR, (8000,), picker)


@pytest.mark.parametrize(
    ("reference", "picker"),
    [
        ({"name": "epp", "portNumber": 9003}, Picker("epp", 9003)),
        ({"name": "epp", "kind": "Service"}, Picker("epp", 9002)),
        ({"name": "epp", "kind": "Backend"}, None),
    ],
)
def test_an_older_pool(reference: dict[str, Any], picker: Picker | None) -> None:
    found = pool(OLDER, "v1alpha2", selector={"app": "x"}, targetPortNumber=8000, extensionRef=reference)
    assert (found.group, found.selector, found.ports, found.picker) == (OLDER, SELECTOR, (8000,), picker)


def test_a_service() -> None:
    ports = [{"name": "grpc", "port": 9002, "targetPort": "ext-proc"}, {"name": "metrics", "port": 9090}]
    body = {"metadata": bodies.metadata("epp"), "spec": {"selector": {"app": "x"}, "ports": ports}}
    expected = (ServicePort("grpc", 9002, "ext-proc"), ServicePort("metrics", 9090, 9090))
    assert service(body) == Service(meta(body), SELECTOR, expected)


def test_a_service_that_selects_nothing_leads_where_somebody_else_says() -> None:
    assert service({"metadata": bodies.metadata("x"), "spec": {"externalName": "example.com"}}).selector is None
