"""From what a pod may be scheduled on to an entry of the catalogue."""

from typing import Any

import pytest

from wva.kubernetes.accelerator import (
    ACCELERATOR_LABEL,
    Placement,
    Resolution,
    in_catalogue,
    placement,
    resolve,
    short_name,
)
from wva.kubernetes.resources import NONE, Gpus, counted, pod_gpus

PRODUCT = "nvidia.com/gpu.product"


def affinity(*terms: tuple[str, ...], key: str = PRODUCT, operator: str = "In") -> dict[str, Any]:
    chosen = [{"matchExpressions": [{"key": key, "operator": operator, "values": [*term]}]} for term in terms]
    return {
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": chosen}}}
    }


def preferred(*products: tuple[int, str]) -> dict[str, Any]:
    chosen = [
        {"weight": weight, "preference": {"matchExpressions": [{"key": PRODUCT, "operator": "In", "values": [name]}]}}
        for weight, name in products
    ]
    return {"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": chosen}}}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("NVIDIA-H100-80GB-HBM3", "H100-80GB"),
        ("NVIDIA-H100-PCIe", "H100-80GB"),
        ("NVIDIA-H100-NVL", None),
        ("nvidia-h100-80gb", "H100-80GB"),
        ("nvidia-h100-mega-80gb", "H100-80GB"),
        ("H100", "H100-80GB"),
        ("h100-80gb", "H100-80GB"),
        ("NVIDIA-A100-SXM4-80GB", "A100-80GB"),
        ("NVIDIA-A100-SXM4-40GB", None),
        ("nvidia-tesla-a100", None),
        ("NVIDIA-A100-SXM4-80GB-MIG-1g.10gb", None),
        ("nvidia-h200-141gb", "H200"),
        ("NVIDIA-L4", "L4"),
        ("NVIDIA-L40S", "L40S"),
        ("NVIDIA-L40", None),
        ("NVIDIA-GH200-480GB", None),
        ("AMD-MI300X", None),
        ("", None),
    ],
)
def test_products_of_the_catalogue(text: str, name: str | None) -> None:
    found = in_catalogue(text)
    assert (None if found is None else found.name) == name


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("H100", "H100"),
        ("NVIDIA-H100-80GB-HBM3", "H100"),
        ("AMD-MI300X-192G", "MI300X"),
        ("Intel-Max-1550-X", "Max-1550"),
        ("nvidia-l4", "l4"),
    ],
)
def test_short_names_are_the_references(text: str, short: str) -> None:
    assert short_name(text) == short


@pytest.mark.parametrize(
    ("spec", "label", "found"),
    [
        pytest.param({"nodeSelector": {PRODUCT: "NVIDIA-L4"}}, None, Resolution("L4", "L4"), id="selector"),
        pytest.param(
            {"nodeSelector": {"cloud.google.com/gke-accelerator": "nvidia-l4"}}, None, Resolution("l4", "L4"), id="GKE"
        ),
        pytest.param(affinity(("NVIDIA-H200",)), None, Resolution("H200", "H200"), id="affinity"),
        pytest.param(
            affinity(("NVIDIA-H100-PCIe", "NVIDIA-H100-80GB-HBM3")),
            None,
            Resolution("H100", "H100-80GB"),
            id="the same",
        ),
        pytest.param(
            affinity(("NVIDIA-L4",), ("NVIDIA-L40S",)),
            None,
            Resolution("L4", None, "any of NVIDIA-L4, NVIDIA-L40S may be taken; name one"),
            id="a choice",
        ),
        pytest.param(
            affinity(("NVIDIA-L4", "NVIDIA-L40S")), "L40S", Resolution("L40S", "L40S"), id="made by the label"
        ),
        pytest.param(affinity(("a",), key="zone"), "L4", Resolution("L4", "L4"), id="affinity to something else"),
        pytest.param(affinity(("NVIDIA-L4",), operator="NotIn"), "H200", Resolution("H200", "H200"), id="not in"),
        pytest.param(
            preferred((1, "NVIDIA-L4"), (90, "NVIDIA-L40S")), None, Resolution("L40S", "L40S"), id="the most preferred"
        ),
        pytest.param({}, "H100", Resolution("H100", "H100-80GB"), id="label alone"),
        pytest.param({}, "MI300X", Resolution("MI300X", None, "MI300X is not in the catalogue"), id="not known"),
        pytest.param(
            {"nodeSelector": {PRODUCT: "NVIDIA-L4"}},
            "H100",
            Resolution("L4", "L4", "label H100 is not what nodes are selected by"),
            id="the node goes before the label",
        ),
        pytest.param(
            {"containers": [{"resources": {"limits": {"nvidia.com/mig-1g.10gb": 1}}}]},
            "H100",
            Resolution("H100", None, "nvidia.com/mig-1g.10gb is a part of a GPU, which has no figures"),
            id="slice",
        ),
    ],
)
def test_resolution(spec: dict[str, Any], label: str | None, found: Resolution) -> None:
    assert resolve(placement(spec), {} if label is None else {ACCELERATOR_LABEL: label}) == found


def test_without_any_name_it_says_what_is_missing() -> None:
    found = resolve(Placement(), {})
    assert (found.label, found.name) == ("unresolved", None)
    assert "no node selector, node affinity or label" in (found.reason or "")


def test_gpus_of_a_pod_are_those_of_its_containers_or_of_a_larger_start() -> None:
    def asks(count: Any, kind: str = "limits", resource: str = "nvidia.com/gpu") -> dict[str, Any]:
        return {"resources": {kind: {resource: count, "cpu": "500m"}}}

    assert pod_gpus({"containers": [asks("2"), asks(1, "requests"), {}]}) == Gpus("nvidia.com/gpu", 3)
    assert pod_gpus({"containers": [asks(1)], "initContainers": [asks(4)]}) == Gpus("nvidia.com/gpu", 4)
    sidecar = {**asks(4), "restartPolicy": "Always"}
    assert pod_gpus({"containers": [asks(1)], "initContainers": [sidecar]}) == Gpus("nvidia.com/gpu", 5)
    assert pod_gpus({"containers": [{}]}) == NONE
    assert pod_gpus({"containers": [asks("some")]}) == Gpus("nvidia.com/gpu", None)
    assert pod_gpus({"containers": [asks(1), asks(1, resource="amd.com/gpu")]}) == Gpus(None, 2)
    assert pod_gpus({"containers": [{"resources": {"claims": [{"name": "gpu"}]}}]}) == Gpus(None, None)
    assert counted({"habana.ai/gaudi": "8", "memory": "1Ti"}) == Gpus("habana.ai/gaudi", 8)
