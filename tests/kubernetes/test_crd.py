"""The schema for the API server and the models for us say the same; the reference's objects are accepted."""

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.kubernetes.api_server import checked, stored, structural_faults
from wva.fleet.variant import Role
from wva.kubernetes.accelerator import ACCELERATOR_LABEL
from wva.kubernetes.crd.model import VariantAutoscalingBody
from wva.kubernetes.crd.schema import custom_resource_definition, schema
from wva.kubernetes.objects.scaler import Target
from wva.kubernetes.objects.variant_autoscaling import VariantAutoscaling, variant_autoscaling

FEBRUARY = """
apiVersion: llmd.ai/v1alpha1
kind: VariantAutoscaling
metadata:
  name: llama-8b
  namespace: team
  labels: {inference.optimization/acceleratorName: H100, wva.llmd.ai/controller-instance: blue}
spec:
  scaleTargetRef: {kind: Deployment, name: llama-8b}
  modelID: meta/llama-3.1-8b
status:
  desiredOptimizedAlloc: {lastRunTime: "2026-02-19T10:00:00Z", accelerator: H100, numReplicas: 2}
  actuation: {applied: false}
  conditions:
  - {type: TargetResolved, status: "True", reason: TargetFound, message: "", lastTransitionTime: "2026-02-19T10:00:00Z"}
"""

SPRING = """
apiVersion: llmd.ai/v1alpha1
kind: VariantAutoscaling
metadata: {name: v, namespace: team}
spec:
  scaleTargetRef: {apiVersion: leaderworkerset.x-k8s.io/v1, kind: LeaderWorkerSet, name: lws}
  modelID: m
  variantCost: "40"
  minReplicas: 0
  maxReplicas: 4
  behavior: {scaleUp: {stabilizationWindowSeconds: 0}}
status:
  desiredOptimizedAlloc: {numReplicas: 0}
"""


def test_it_is_structural() -> None:
    assert structural_faults(schema()) == []


def test_it_prints_as_yaml_and_names_the_references_resource() -> None:
    found = yaml.safe_load(yaml.safe_dump(custom_resource_definition(), sort_keys=False))
    assert found == custom_resource_definition()
    assert found["metadata"]["name"] == "variantautoscalings.llmd.ai"
    version = found["spec"]["versions"][0]
    assert (version["name"], version["subresources"]) == ("v1alpha1", {"status": {}})
    columns = [column["name"] for column in version["additionalPrinterColumns"]]
    assert columns == ["Target", "Model", "Optimized", "MetricsReady", "Age"]


def test_the_references_first_objects() -> None:
    body = yaml.safe_load(FEBRUARY)
    assert checked(stored(body, schema()), schema()) == []
    found = variant_autoscaling(body)
    assert isinstance(found, VariantAutoscaling)
    assert found.target == Target("apps/v1", "Deployment", "team", "llama-8b")
    assert (found.model_id, found.cost, found.desired) == ("meta/llama-3.1-8b", "10.0", 2)
    assert (found.min_replicas, found.max_replicas, found.role, found.priority) == (None, None, None, None)
    assert found.meta.label(ACCELERATOR_LABEL) == "H100"


def test_the_references_later_objects_and_a_field_that_came_and_went() -> None:
    body = yaml.safe_load(SPRING)
    kept = stored(body, schema())
    assert checked(kept, schema()) == []
    assert "behavior" not in kept["spec"]
    found = variant_autoscaling(body)
    assert isinstance(found, VariantAutoscaling)
    assert (found.min_replicas, found.max_replicas, found.cost, found.desired) == (0, 4, "40", 0)
    assert found.target.kind == "LeaderWorkerSet"


def test_what_is_added_is_optional() -> None:
    body = yaml.safe_load(SPRING)
    body["spec"] |= {"role": "decode", "priority": -3, "objectives": {"ttft": "1s500ms", "tpot": "50ms"}}
    found = variant_autoscaling(body)
    assert isinstance(found, VariantAutoscaling)
    assert (found.role, found.priority, found.ttft, found.tpot) == (Role.DECODE, -3, "1s500ms", "50ms")


def test_a_status_that_is_not_as_it_is_to_be_counts_as_none() -> None:
    body = yaml.safe_load(SPRING)
    body["status"]["desiredOptimizedAlloc"]["numReplicas"] = "4"
    found = variant_autoscaling(body)
    assert isinstance(found, VariantAutoscaling)
    assert found.desired is None


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({"modelID": ""}, "spec.modelID: "),
        ({"variantCost": "-1"}, "spec.variantCost: "),
        ({"variantCost": 10}, "spec.variantCost: "),
        ({"maxReplicas": 0}, "spec.maxReplicas: "),
        ({"scaleTargetRef": {"name": "d"}}, "spec.scaleTargetRef.kind: "),
        ({"objectives": {"ttft": "1s"}}, "spec.objectives.tpot: "),
        ({"role": "everything"}, "spec.role: "),
    ],
)
def test_what_is_wrong_is_said_in_one_line(spec: dict[str, Any], problem: str) -> None:
    body = yaml.safe_load(SPRING)
    body["spec"] |= spec
    found = variant_autoscaling(body)
    assert isinstance(found, str)
    assert found.startswith(problem)
    assert checked(stored(body, schema()), schema())


ANYTHING = st.sampled_from([None, True, 0, -1, 2**31, 1.5, "", "x", "1s", "True", [], [None], {}, {"kind": "D"}])
TIMES = st.sampled_from(
    ["2026-02-19T10:00:00", "1771495200", "2026-02-19T10:00:00Z", "2026-02-19T10:00:00.5+01:00", "yesterday"]
)
TEXT = st.text(max_size=4)


def part(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """An object with some of the fields, right or wrong ones, and some that nobody knows."""
    each = {name: st.one_of(strategy, strategy, strategy, ANYTHING) for name, strategy in fields.items()}
    return st.fixed_dictionaries({}, optional={**each, "unheardOf": ANYTHING})


TARGET = part(apiVersion=TEXT, kind=TEXT, name=TEXT)
SPEC = part(
    scaleTargetRef=TARGET,
    modelID=TEXT,
    variantCost=st.one_of(st.from_regex(r"\A[0-9]{1,3}(\.[0-9])?\Z"), TEXT),
    role=st.sampled_from([*Role, "other"]).map(str),
    minReplicas=st.integers(-1, 3),
    maxReplicas=st.integers(0, 3),
    objectives=part(ttft=st.sampled_from(["1s", "1m30s", "1", "s", "1.5ms", "1s\n", "\u0663s"]), tpot=st.just("50ms")),
    priority=st.integers(-(2**31), 2**31),
)
CONDITION = part(
    type=st.sampled_from(["A", "B", "C", ""]),
    status=st.sampled_from(["True", "False", "Maybe"]),
    reason=TEXT,
    message=TEXT,
    lastTransitionTime=TIMES,
    observedGeneration=st.integers(-1, 2),
)
STATUS = part(
    desiredOptimizedAlloc=part(lastRunTime=TIMES, accelerator=TEXT, numReplicas=st.integers(-1, 3)),
    actuation=part(applied=st.booleans()),
    conditions=st.lists(CONDITION, max_size=1),
    currentReplicas=st.integers(-1, 3),
    decision=part(id=TEXT, reasons=st.lists(TEXT, max_size=2)),
)
FULL = {"scaleTargetRef": {"kind": "Deployment", "name": "d"}, "modelID": "m"}


@given(spec=SPEC, filled=st.booleans(), status=st.one_of(st.none(), STATUS))
@settings(max_examples=300)
def test_the_models_accept_what_the_api_server_accepts(spec: Any, filled: bool, status: Any) -> None:
    body = {"spec": {**FULL, **spec} if filled else spec} | ({} if status is None else {"status": status})
    kept = stored(body, schema())
    faults = checked(kept, schema())
    if faults:
        with pytest.raises(ValidationError):
            VariantAutoscalingBody.model_validate(body)
        return
    model = VariantAutoscalingBody.model_validate(body)
    assert model == VariantAutoscalingBody.model_validate(kept), "pruned and defaulted it means the same"
    assert model.spec.variant_cost == kept["spec"]["variantCost"]
