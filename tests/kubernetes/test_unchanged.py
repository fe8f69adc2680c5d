"""What was worked out is kept while it is of the same objects, and forgotten when nobody asks for it."""

from tests.kubernetes.bodies import deployment, hpa, managed
from wva.kubernetes.discovery import Cluster, Defaults, discover
from wva.kubernetes.objects.scaler import horizontal_pod_autoscaler
from wva.kubernetes.objects.workload import workload
from wva.kubernetes.scope import Scope
from wva.kubernetes.unchanged import Unchanged

SCOPE, DEFAULTS = Scope("wva-system"), Defaults()


def test_only_what_changed_is_made_anew() -> None:
    made: list[object] = []

    def make(one: object, other: object) -> tuple[object, object]:
        made.append(one)
        return one, other

    unchanged, first, second = Unchanged(), object(), object()
    for _ in range(3):
        unchanged.look()
        assert unchanged.once("a", make, first, second) == (first, second)
    assert made == [first]
    unchanged.look()
    assert unchanged.once("a", make, second, second) == (second, second)
    assert unchanged.once("b", make, first, second) == (first, second)
    assert made == [first, second, first]
    unchanged.look()
    unchanged.look()
    unchanged.once("a", make, second, second)
    assert made == [first, second, first, second]


def test_discovery_finds_the_same_with_and_without() -> None:
    unchanged = Unchanged()
    declared = {name: horizontal_pod_autoscaler(hpa(name, name, annotations=managed())) for name in ("a", "b", "c")}
    workloads = {name: workload(deployment(name)) for name in declared}
    for replicas in (2, 2, 3, 5):
        workloads["b"] = workload(deployment("b", replicas))
        if replicas == 5:
            del declared["a"]
        by_target = {(each.kind, *each.meta.key): each for each in workloads.values()}
        cluster = Cluster(scalers=tuple(declared.values()), workloads=by_target)
        found = discover(cluster, SCOPE, DEFAULTS, unchanged)
        assert found == discover(cluster, SCOPE, DEFAULTS)
        assert [each.workload and each.workload.replicas for each in found][-2:] == [replicas, 2]
