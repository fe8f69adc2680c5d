"""From API objects to models and variants, and what is said where something is missing."""

from typing import Any

import pytest

from tests.kubernetes import bodies
from tests.kubernetes.bodies import managed
from wva.fleet.model import Model, Objectives
from wva.fleet.variant import EngineArguments, Role, Variant
from wva.kubernetes.accelerator import ACCELERATOR_LABEL
from wva.kubernetes.conditions import Aspect, Because
from wva.kubernetes.configuration.parse import SATURATION, SCALE_TO_ZERO, accept
from wva.kubernetes.configuration.settings import RETENTION_S
from wva.kubernetes.declaration import Source
from wva.kubernetes.discovery import Cluster, Defaults, Discovered, discover
from wva.kubernetes.objects.config_map import config_map, namespace
from wva.kubernetes.objects.scaler import horizontal_pod_autoscaler, scaled_object
from wva.kubernetes.objects.variant_autoscaling import VariantAutoscaling, variant_autoscaling
from wva.kubernetes.objects.workload import workload
from wva.kubernetes.scope import Scope

MODEL = "meta-llama/Llama-3.1-8B-Instruct"
HERE = Scope(home="wva")


def serving(name: str, *args: str, **more: Any) -> dict[str, Any]:
    return bodies.deployment(name, pod=bodies.template(f"--model={MODEL}", *args, **more))


def custom(name: str, target: str, *, spec: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": target}
    return {
        "metadata": bodies.metadata(name, **more),
        "spec": {"scaleTargetRef": reference, "modelID": MODEL, **(spec or {})},
    }


def found(*objects: dict[str, Any], scope: Scope = HERE, defaults: Defaults | None = None) -> list[Discovered]:
    """What is discovered of objects of any kind."""
    scalers, customs, workloads, namespaces, maps = [], [], {}, {}, {}
    for each in objects:
        match each.get("kind"):
            case "HorizontalPodAutoscaler":
                scalers.append(horizontal_pod_autoscaler(each))
            case "ScaledObject":
                scalers.append(scaled_object(each))
            case "Deployment" | "StatefulSet":
                one = workload(each)
                workloads[one.kind, *one.meta.key] = one
            case "Namespace":
                namespaces[each["metadata"]["name"]] = namespace(each)
            case "ConfigMap":
                accepted = config_map(each)
                maps[accepted.meta.key] = accept(None, accepted)
            case _:
                one_custom = variant_autoscaling(each)
                assert isinstance(one_custom, VariantAutoscaling), one_custom
                customs.append(one_custom)
    return list(discover(Cluster(customs, scalers, workloads, namespaces, maps), scope, defaults or Defaults()))


def conditions(each: Discovered) -> dict[Aspect, tuple[bool | None, Because]]:
    return {condition.aspect: (condition.holds, condition.because) for condition in each.conditions}


def test_the_references_annotated_hpa_is_a_variant() -> None:
    annotated = bodies.hpa("v", "d", annotations=managed(MODEL, "7.5"))
    (one,) = found(annotated, serving("d", "-tp", "2", "--max-num-seqs", "64", gpus=2))
    assert one.variant == Variant(
        name="team/v",
        model=f"team/{MODEL}",
        role=Role.BOTH,
        accelerator="H100-80GB",
        tensor_parallel=2,
        engine=EngineArguments(max_num_seqs=64),
        cost_per_hour=7.5,
        min_replicas=1,
        max_replicas=10,
        startup_s=180.0,
        scale_target="Deployment/team/d",
    )
    assert one.model == Model(f"team/{MODEL}", "team", MODEL, "bf16", Objectives(2.0, 0.1), 1, RETENTION_S)
    assert conditions(one) == {
        Aspect.ACCEPTED: (True, Because.ACCEPTED),
        Aspect.TARGET_RESOLVED: (True, Because.TARGET_FOUND),
    }
    assert one.notices == ()


def test_a_scaled_object_and_the_older_resource_are_variants_too() -> None:
    keda, older = found(
        bodies.scaled_object("k", "d1", annotations=managed(MODEL)),
        custom("o", "d2", spec={"variantCost": "3", "maxReplicas": 4, "role": "decode"}),
        serving("d1"),
        serving("d2"),
    )
    assert keda.variant is not None
    assert older.variant is not None
    assert (keda.variant.cost_per_hour, keda.variant.min_replicas, keda.variant.max_replicas) == (10.0, 0 + 1, 10)
    assert (older.variant.cost_per_hour, older.variant.max_replicas, older.variant.role) == (3.0, 4, Role.DECODE)


def test_a_scaler_without_the_annotation_declares_nothing() -> None:
    assert (
        found(bodies.hpa("v", "d"), bodies.hpa("w", "d", annotations={"llm-d.ai/managed": "True"}), serving("d")) == []
    )


@pytest.mark.parametrize(
    ("annotations", "message"),
    [
        ({"llm-d.ai/managed": "true"}, "annotation llm-d.ai/model-id is missing"),
        (managed("m", "free"), "annotation llm-d.ai/variant-cost must be a number of at least 0, not 'free'"),
        (managed("m", "-1"), "annotation llm-d.ai/variant-cost must be a number of at least 0, not '-1'"),
        (managed("m", **{"wva.llmd.ai/objective-ttft": "1s"}), "objectives need both"),
        (managed("m", **{"wva.llmd.ai/priority": "high"}), "annotation wva.llmd.ai/priority must be a whole number"),
    ],
)
def test_wrong_annotations_are_said(annotations: dict[str, str], message: str) -> None:
    (one,) = found(bodies.hpa("v", "d", annotations=annotations), serving("d"))
    assert conditions(one) == {Aspect.ACCEPTED: (False, Because.INVALID)}
    assert one.conditions[0].message.startswith(message)
    assert (one.variant, one.declaration) == (None, None)


def test_a_target_that_is_missing_or_going_is_said_and_found_once_it_is_there() -> None:
    declared = custom("v", "d")
    (missing,) = found(declared)
    assert conditions(missing)[Aspect.TARGET_RESOLVED] == (False, Because.TARGET_NOT_FOUND)
    going = serving("d")
    going["metadata"]["deletionTimestamp"] = bodies.NOW
    (deleted,) = found(declared, going)
    assert conditions(deleted)[Aspect.TARGET_RESOLVED] == (False, Because.TARGET_DELETED)
    assert (missing.variant, deleted.variant, deleted.workload) == (None, None, None)
    (there,) = found(declared, serving("d"))
    assert there.variant is not None
    other = custom("v", "d", spec={"scaleTargetRef": {"apiVersion": "other/v1", "kind": "Deployment", "name": "d"}})
    assert found(other, serving("d"))[0].workload is None, "another group's Deployment"


@pytest.mark.parametrize(
    ("body", "because", "message"),
    [
        (serving("d", product=None), Because.UNKNOWN_ACCELERATOR, "no node selector"),
        (
            bodies.deployment("d", pod=bodies.template("--model=none/such")),
            Because.UNKNOWN_MODEL,
            "unknown model 'none/such'",
        ),
        (serving("d", "--quantization", "awq"), Because.UNKNOWN_MODEL, "there are no figures for the precision of awq"),
        (serving("d", "-dp", "2", gpus=2), Because.NOT_MODELLED, "pipeline and data parallel"),
        (serving("d", "-tp", "2"), Because.NOT_MODELLED, "a pod asks for 1 GPUs, its server for 2"),
        (serving("d", "-tp", "two"), Because.NOT_MODELLED, "the parallelism is not known: --tensor-parallel-size two"),
    ],
)
def test_what_keeps_a_decision_from_being_made_is_said(body: dict[str, Any], because: Because, message: str) -> None:
    (one,) = found(custom("v", "d"), body)
    assert one.variant is None
    assert conditions(one)[Aspect.OPTIMIZATION_READY] == (False, because)
    assert one.conditions[-1].message.startswith(message)
    assert one.workload is not None, "its count is still known"


def test_precision_and_accelerator_come_from_names_and_labels() -> None:
    labelled = custom("v", "d", labels={ACCELERATOR_LABEL: "L40S"})
    (one,) = found(labelled, bodies.deployment("d", pod=bodies.template("--model=Qwen/Qwen3-32B-FP8", product=None)))
    assert one.model is not None
    assert one.variant is not None
    assert (one.model.shape, one.model.precision, one.variant.accelerator) == ("Qwen/Qwen3-32B", "fp8", "L40S")


def test_of_two_declarations_for_one_target_one_counts() -> None:
    first, second = found(
        bodies.hpa("a", "d", annotations=managed(MODEL)),
        bodies.scaled_object("b", "d", annotations=managed(MODEL)),
        serving("d"),
    )
    assert conditions(first) == {Aspect.ACCEPTED: (False, Because.DUPLICATE)}
    assert first.conditions[0].message == "Deployment/team/d is the target of b already; keep one of the two"
    assert second.variant is not None
    young, old = found(custom("x", "d"), custom("y", "d", creationTimestamp="2025-01-01T00:00:00Z"), serving("d"))
    assert (young.variant, old.variant is not None) == (None, True)


def test_of_two_declarations_of_one_name_one_counts() -> None:
    refused, counts = found(
        bodies.hpa("a", "d", annotations=managed(MODEL)), custom("a", "e"), serving("d"), serving("e")
    )
    assert conditions(refused) == {Aspect.ACCEPTED: (False, Because.NAME_TAKEN)}
    assert (
        refused.conditions[0].message == "VariantAutoscaling a is a variant of this name already; rename one of the two"
    )
    assert counts.variant is not None
    of_other, of_same, own = found(
        custom("b", "d"),
        bodies.scaled_object("a", "d", annotations=managed(MODEL)),
        bodies.hpa("a", "e", annotations=managed(MODEL)),
        serving("d"),
        serving("e"),
    )
    reasons = {each.source: each.conditions[0].because for each in (of_other, of_same, own)}
    assert reasons == {
        Source.VARIANT_AUTOSCALING: Because.ACCEPTED,
        Source.SCALED_OBJECT: Because.DUPLICATE,
        Source.HPA: Because.ACCEPTED,
    }, "what does not count takes no name"


@pytest.mark.parametrize(
    ("label", "instance", "covered"),
    [(None, None, True), ("blue", None, False), ("blue", "blue", True), (None, "blue", False), ("red", "blue", False)],
)
def test_controllers_do_not_share_variants(label: str | None, instance: str | None, covered: bool) -> None:
    labels = {} if label is None else {"wva.llmd.ai/controller-instance": label}
    assert bool(found(custom("v", "d", labels=labels), scope=Scope("wva", instance))) is covered


def test_namespaces_that_are_excluded_going_or_not_the_one() -> None:
    declared, target = custom("v", "d"), serving("d")
    excluded = {"kind": "Namespace", "metadata": {"name": "team", "annotations": {"wva.llmd.ai/exclude": "true"}}}
    assert found(declared, target, excluded) == []
    assert len(found(declared, target, excluded, scope=Scope("wva", only_namespace="team"))) == 1
    assert found(declared, target, scope=Scope("wva", only_namespace="other")) == []
    assert found(custom("v", "d", deletionTimestamp=bodies.NOW), target) == []


@pytest.mark.parametrize(
    ("name", "labels", "has_variants", "read"),
    [
        ("wva", {}, False, True),
        ("team", {}, False, False),
        ("team", {}, True, True),
        ("team", {"wva.llmd.ai/config-enabled": "true"}, False, True),
    ],
)
def test_whose_config_maps_count(name: str, labels: dict[str, str], has_variants: bool, read: bool) -> None:
    namespaces = {name: namespace({"metadata": {"name": name, "labels": labels}})}
    assert HERE.reads_config_maps(name, namespaces, has_variants=has_variants) is read


def test_a_models_variants_agree_on_what_it_is_promised() -> None:
    one, two, three = found(
        custom("a", "a", spec={"objectives": {"ttft": "1s", "tpot": "80ms"}, "priority": 2}),
        custom("b", "b", spec={"objectives": {"ttft": "2s", "tpot": "40ms"}}),
        custom("c", "c", spec={"modelID": "other"}),
        serving("a"),
        serving("b"),
        serving("c"),
    )
    agreed = Model(f"team/{MODEL}", "team", MODEL, "bf16", Objectives(1.0, 0.04), 2, RETENTION_S)
    assert one.model == two.model == agreed
    assert three.model is not None
    assert (three.model.objectives, three.model.priority) == (Objectives(2.0, 0.1), 1)


def minimums(*objects: dict[str, Any]) -> dict[str, int]:
    return {each.meta.name: each.variant.min_replicas for each in found(*objects) if each.variant is not None}


def test_the_cheapest_keeps_one_where_a_model_may_not_go_to_zero() -> None:
    cheap, dear = custom("cheap", "a", spec={"variantCost": "1"}), custom("dear", "b", spec={"variantCost": "2"})
    fleet = (serving("a"), serving("b"))
    assert minimums(cheap, dear, *fleet) == {"cheap": 1, "dear": 0}
    cheap_decode = custom("cheap", "a", spec={"variantCost": "1", "role": "decode"})
    assert minimums(cheap_decode, dear, *fleet) == {"cheap": 1, "dear": 1}, "one of each role"
    kept = custom("dear", "b", spec={"variantCost": "2", "minReplicas": 3})
    assert minimums(cheap, kept, *fleet) == {"cheap": 0, "dear": 3}
    data = {"default": "enable_scale_to_zero: true"}
    allowed = {"kind": "ConfigMap", "metadata": {"name": SCALE_TO_ZERO, "namespace": "wva"}, "data": data}
    assert minimums(cheap, dear, *fleet, allowed) == {"cheap": 0, "dear": 0}


def test_priorities_of_config_maps_hold_where_the_object_says_none() -> None:
    text = f"{{model_id: {MODEL}, priority: 7}}"
    priorities = {"kind": "ConfigMap", "metadata": {"name": SATURATION, "namespace": "wva"}, "data": {"x": text}}
    (by_map,) = found(custom("v", "d"), serving("d"), priorities)
    (by_object,) = found(custom("v", "d", spec={"priority": 3}), serving("d"), priorities)
    assert by_map.model is not None
    assert by_object.model is not None
    assert (by_map.model.priority, by_object.model.priority) == (7, 3)


def test_the_role_of_a_pod_template() -> None:
    labelled = bodies.template(f"--model={MODEL}")
    labelled["metadata"]["labels"]["llm-d.ai/role"] = "prefill"
    (one,) = found(custom("v", "d"), bodies.deployment("d", pod=labelled))
    assert one.variant is not None
    assert one.variant.role is Role.PREFILL


def test_a_model_in_a_directory_is_known_by_the_directory_or_by_what_clients_call_it() -> None:
    for directory in ("/models/Qwen3-32B-FP8/", "/models/qwen"):
        (one,) = found(
            custom("v", "d", spec={"modelID": "Qwen/Qwen3-32B"}), bodies.deployment("d", pod=bodies.template(directory))
        )
        assert one.model is not None
        assert one.model.shape == "Qwen/Qwen3-32B"
