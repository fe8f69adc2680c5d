"""The structural schema of ``VariantAutoscaling``, as data that prints as YAML.

Structural means to an API server: every value has a type, nothing is left open, so that unknown fields can be dropped
and defaults filled in. What fields mean together would need rules that Kubernetes 1.20 does not have.
"""

from typing import Any

GROUP = "llmd.ai"
VERSION = "v1alpha1"
KIND = "VariantAutoscaling"
PLURAL = "variantautoscalings"

COST_PATTERN = r"^[0-9]+(\.[0-9]+)?$"
DURATION_PATTERN = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"
LARGEST = 2**31 - 1
"""Largest replica count and priority: what 32 bits hold."""

Schema = dict[str, Any]


def custom_resource_definition() -> Schema:
    """The ``CustomResourceDefinition`` of ``apiextensions.k8s.io/v1``."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": KIND.lower(),
                "shortNames": ["va"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": _columns(),
                    "schema": {"openAPIV3Schema": schema()},
                }
            ],
        },
    }


def schema() -> Schema:
    """The schema of one object."""
    return _object(
        "One way of serving a model, of which WVA decides how many replicas run.",
        required=["spec"],
        apiVersion=_string("Version of this schema."),
        kind=_string("VariantAutoscaling."),
        metadata={"type": "object"},
        spec=_spec(),
        status=_status(),
    )


def _spec() -> Schema:
    target = _object(
        "The object whose replica count is decided, in the same namespace.",
        required=["kind", "name"],
        apiVersion=_string("Its version; apps/v1 where it is not given."),
        kind=_string("Its kind, as Deployment."),
        name=_string("Its name."),
    )
    objectives = _object(
        "What users of the model are promised; the variants of one model must not differ in it.",
        required=["ttft", "tpot"],
        ttft=_string("Time to first token, as 500ms.", pattern=DURATION_PATTERN),
        tpot=_string("Time per output token after the first, as 50ms.", pattern=DURATION_PATTERN),
    )
    return _object(
        "What is wanted.",
        required=["scaleTargetRef", "modelID"],
        scaleTargetRef=target,
        modelID=_string("The name that clients ask for.", minLength=1),
        variantCost=_string("Price of one replica for an hour.", default="10.0", pattern=COST_PATTERN),
        role=_string("Stage of a request that it serves.", enum=["both", "prefill", "decode", "encode"]),
        minReplicas=_count("Replicas that it has at least.", 0),
        maxReplicas=_count("Replicas that it has at most.", 1),
        objectives=objectives,
        priority=_count("Higher goes first where capacity is scarce.", -LARGEST),
    )


def _status() -> Schema:
    allocation = _object(
        "What was decided last.",
        lastRunTime=_time("When."),
        accelerator=_string("The accelerator that it is for."),
        numReplicas=_count("Replicas that it should have; absent is unknown.", 0),
    )
    condition = _object(
        "One aspect of its state.",
        required=["type", "status", "reason", "message", "lastTransitionTime"],
        type=_string("Which aspect.", minLength=1, maxLength=316),
        status=_string("Whether it holds.", enum=["True", "False", "Unknown"]),
        reason=_string("Why, in one word.", minLength=1, maxLength=1024),
        message=_string("Why, for people.", maxLength=32768),
        lastTransitionTime=_time("When status last changed."),
        observedGeneration={
            "type": "integer",
            "format": "int64",
            "minimum": 0,
            "description": "Version of the spec that it is said of.",
        },
    )
    decision = _object(
        "The decision that the allocation comes from.",
        required=["id"],
        id=_string("As the journal has it."),
        reasons={"type": "array", "description": "Why, in short.", "items": {"type": "string"}},
    )
    return _object(
        "What was seen and decided.",
        desiredOptimizedAlloc=allocation,
        actuation=_object(
            "Whether it was carried out.",
            applied={"type": "boolean", "description": "Whether the target has the count that was decided."},
        ),
        conditions={
            "type": "array",
            "description": "Aspects of its state.",
            "items": condition,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
        },
        currentReplicas=_count("Replicas that it has, but for draining ones; absent is unknown.", 0),
        decision=decision,
    )


def _columns() -> list[Schema]:
    def column(name: str, path: str, kind: str = "string") -> Schema:
        return {"name": name, "type": kind, "jsonPath": path}

    return [
        column("Target", ".spec.scaleTargetRef.name"),
        column("Model", ".spec.modelID"),
        column("Optimized", ".status.desiredOptimizedAlloc.numReplicas"),
        column("MetricsReady", '.status.conditions[?(@.type=="MetricsAvailable")].status'),
        column("Age", ".metadata.creationTimestamp", "date"),
    ]


def _object(description: str, *, required: list[str] | None = None, **properties: Schema) -> Schema:
    found: Schema = {"type": "object", "description": description, "properties": properties}
    return found if required is None else {**found, "required": required}


def _string(description: str, **rules: Any) -> Schema:
    return {"type": "string", "description": description, **rules}


def _time(description: str) -> Schema:
    return _string(description, format="date-time")


def _count(description: str, smallest: int) -> Schema:
    return {
        "type": "integer",
        "format": "int32",
        "description": description,
        "minimum": smallest,
        "maximum": LARGEST,
    }
