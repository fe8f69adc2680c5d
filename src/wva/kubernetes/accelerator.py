"""The accelerator of a variant: from what its pods may be scheduled on to an entry of the catalogue."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from wva.fleet.accelerator import Accelerator
from wva.fleet.catalogue import accelerators
from wva.kubernetes.resources import is_slice, pod_gpus

ACCELERATOR_LABEL = "inference.optimization/acceleratorName"
"""Label of the object that declares a variant, for templates that name no accelerator."""
UNRESOLVED = "unresolved"
"""What the gauges' ``accelerator_type`` says where nothing names an accelerator."""
PRODUCT_LABELS = (
    "nvidia.com/gpu.product",
    "cloud.google.com/gke-accelerator",
    "amd.com/gpu.product-name",
    "habana.ai/product.name",
    "gpu.intel.com/product",
    "karpenter.k8s.aws/instance-gpu-name",
)
"""Node labels that name the product, the first that is there counts."""

_SIZE = re.compile(r"(\d+)gb")
_UNNAMED_SIZES = (("h100", "nvl", 94), ("a100", "tesla", 40))
"""Products that have another memory, in GB, than the name alone lets one think."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What is known of a variant's accelerator."""

    label: str
    """The gauges' ``accelerator_type``: the product's short name, or ``unresolved``."""
    name: str | None
    """Name in the catalogue; ``None`` is unknown."""
    reason: str | None = None
    """Why it is unknown, or what contradicts it, in one line."""


@dataclass(frozen=True, slots=True)
class Placement:
    """What a pod template says of the nodes that its pods may run on."""

    required: tuple[str, ...] = ()
    """Products, one of which a node must have; empty where any will do."""
    preferred: tuple[str, ...] = ()
    resource: str | None = None
    """What its GPUs are asked for by; ``None`` where there are none, or several kinds."""


def placement(pod_spec: Mapping[str, Any]) -> Placement:
    """What ``spec.template.spec`` says of nodes."""
    return Placement(_required(pod_spec), _preferred(pod_spec), pod_gpus(pod_spec).resource)


def resolve(where: Placement, labels: Mapping[str, str]) -> Resolution:
    """The accelerator that a template's pods run on; ``labels`` are those of the object that declares the variant.

    What must hold of the node goes first (node selector, required affinity), then what is preferred, then the label:
    as in the reference WVA, except that a choice between different accelerators is none, unless the label makes it.
    """
    declared = labels.get(ACCELERATOR_LABEL)
    if where.resource is not None and is_slice(where.resource):
        reason = f"{where.resource} is a part of a GPU, which has no figures"
        return Resolution(declared or short_name(where.resource), None, reason)
    for products in (where.required, where.preferred):
        if products:
            return _chosen(products, declared)
    if declared:
        return _of_product(declared, declared)
    return Resolution(
        UNRESOLVED, None, f"no node selector, node affinity or label {ACCELERATOR_LABEL} names an accelerator"
    )


def product(labels: Mapping[str, str]) -> str | None:
    """What a node's labels call its accelerator."""
    return next((labels[label] for label in PRODUCT_LABELS if labels.get(label)), None)


@lru_cache(maxsize=1024)
def in_catalogue(text: str) -> Accelerator | None:
    """The catalogue's entry for a product, as ``NVIDIA-H100-80GB-HBM3``, or a short name, as ``H100``."""
    words = re.split(r"[^a-z0-9.]+", text.casefold())
    if "mig" in words:
        return None
    sizes = [int(size.group(1)) for word in words if (size := _SIZE.fullmatch(word))]
    sizes += [size for family, word, size in _UNNAMED_SIZES if family in words and word in words]
    found = [
        entry
        for entry in accelerators().values()
        if entry.name.casefold().split("-")[0] in words
        and all(0.9 <= entry.memory_bytes / 2**30 / size <= 1.1 for size in sizes)
    ]
    return found[0] if len(found) == 1 else None


def short_name(text: str) -> str:
    """A product's name as the reference WVA publishes it: ``H100`` of ``NVIDIA-H100-80GB-HBM3``."""
    parts = text.split("-")
    if len(parts) > 2 and parts[0] == "Intel":
        return "-".join(parts[1:3])
    return parts[1] if len(parts) > 1 else text


def _chosen(products: tuple[str, ...], declared: str | None) -> Resolution:
    """One of what the scheduler may choose from."""
    named = {entry.name for text in products if (entry := in_catalogue(text)) is not None}
    own = None if declared is None else in_catalogue(declared)
    if len(set(products)) > 1 and (len(named) != 1 or any(in_catalogue(text) is None for text in products)):
        if own is not None and own.name in named:
            return Resolution(declared or short_name(products[0]), own.name)
        return Resolution(short_name(products[0]), None, f"any of {', '.join(products)} may be taken; name one")
    resolution = _of_product(products[0], short_name(products[0]))
    if own is not None and resolution.name is not None and own.name != resolution.name:
        return Resolution(resolution.label, resolution.name, f"label {declared} is not what nodes are selected by")
    return resolution


def _of_product(text: str, label: str) -> Resolution:
    entry = in_catalogue(text)
    return (
        Resolution(label, None, f"{text} is not in the catalogue") if entry is None else Resolution(label, entry.name)
    )


def _required(pod_spec: Mapping[str, Any]) -> tuple[str, ...]:
    selected = product(pod_spec.get("nodeSelector") or {})
    if selected is not None:
        return (selected,)
    affinity = _node_affinity(pod_spec).get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    terms = [_of_term(term) for term in affinity.get("nodeSelectorTerms") or ()]
    # Terms are alternatives: one that names no product lets any node in.
    return tuple(dict.fromkeys(text for term in terms for text in term)) if all(terms) else ()


def _preferred(pod_spec: Mapping[str, Any]) -> tuple[str, ...]:
    preferences = _node_affinity(pod_spec).get("preferredDuringSchedulingIgnoredDuringExecution") or ()
    for preference in sorted(preferences, key=lambda each: -each.get("weight", 0)):
        if texts := _of_term(preference.get("preference") or {}):
            return texts
    return ()


def _node_affinity(pod_spec: Mapping[str, Any]) -> Mapping[str, Any]:
    return (pod_spec.get("affinity") or {}).get("nodeAffinity") or {}


def _of_term(term: Mapping[str, Any]) -> tuple[str, ...]:
    """The products that a term allows, by the first product label that it asks for one of several values."""
    return next(_values(term), ())


def _values(term: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    expressions = term.get("matchExpressions") or ()
    for label in PRODUCT_LABELS:
        for expression in expressions:
            if expression.get("key") == label and expression.get("operator") == "In" and expression.get("values"):
                yield tuple(expression["values"])
