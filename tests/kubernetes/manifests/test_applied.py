"""The manifests on a real API server: taken whole by a strict reader, with rights that allow just what they say."""

from typing import Any

from tests.kubernetes.apply import SERVICE_ACCOUNTS, resource_of
from tests.kubernetes.manifests.conftest import server_side_apply
from tests.kubernetes.waiting import until
from wva.kubernetes.api.client import Api
from wva.kubernetes.api.resource import DEPLOYMENTS, PODS, SUBJECT_ACCESS_REVIEWS
from wva.kubernetes.configuration.parse import SATURATION, accept
from wva.kubernetes.manifests.installation import Installation
from wva.kubernetes.manifests.parts import Part, objects
from wva.kubernetes.manifests.rights import rights
from wva.kubernetes.objects.config_map import config_map
from wva.kubernetes.settings_source import parse_settings


async def test_applied_again_they_change_nothing(api: Api, installed: Installation) -> None:
    for body in objects(installed, Part.ALL):
        before = await api.read(resource_of(body), body["metadata"].get("namespace"), body["metadata"]["name"])
        after = await server_side_apply(api, body)
        # Controllers write statuses meanwhile.
        assert before["metadata"].get("generation") == after["metadata"].get("generation"), body["metadata"]["name"]
        assert {**before, "metadata": 0, "status": 0} == {**after, "metadata": 0, "status": 0}


async def test_pods_are_made_of_the_deployment(api: Api, installed: Installation) -> None:
    name = installed.name("controller")

    async def two() -> bool:
        pods = await api.list(
            PODS, installed.namespace, ",".join(f"{key}={v}" for key, v in installed.selector.items())
        )
        return len(pods) == 2 and all(pod["spec"]["serviceAccountName"] == name for pod in pods)

    await until(two, "two pods of the controller")
    deployment = await api.read(DEPLOYMENTS, installed.namespace, name)
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True


async def test_what_the_account_may(api: Api, installed: Installation) -> None:
    user = f"system:serviceaccount:{installed.namespace}:{installed.name('controller')}"
    assert await api.read(SERVICE_ACCOUNTS, installed.namespace, installed.name("controller"))

    async def may(verb: str, group: str, resource: str, place: str | None = None, name: str | None = None) -> bool:
        if resource.startswith("/"):
            asked: dict[str, Any] = {"nonResourceAttributes": {"path": resource, "verb": verb}}
        else:
            what, _, sub = resource.partition("/")
            about = {"verb": verb, "group": group, "resource": what, "subresource": sub}
            asked = {"resourceAttributes": {**about, "namespace": place or "", "name": name or ""}}
        body = {"spec": {"user": user, **asked}}
        return bool((await api.create(SUBJECT_ACCESS_REVIEWS, None, body))["status"]["allowed"])

    wide = not installed.namespaced
    for right in rights(installed.instance, installed.lease):
        of_cluster = right.where in ("cluster", "metrics")
        place = None if of_cluster else installed.namespace
        for what in right.urls or right.resources:
            for verb in right.verbs:
                allowed = await may(verb, right.group, what, place, next(iter(right.names), None))
                assert allowed is (wide or right.where != "cluster"), (verb, what)
    assert await may("list", "", "pods", "other") is wide
    assert not await may("list", "", "configmaps", installed.namespace)
    assert not await may("update", "coordination.k8s.io", "leases", installed.namespace, "another")
    assert not await may("create", "coordination.k8s.io", "leases", "other")
    assert not await may("patch", "", "configmaps", installed.namespace, SATURATION)
    for verb, group, what in (
        ("list", "", "secrets"), ("get", "", "configmaps"), ("update", "", "configmaps"), ("delete", "", "pods"),
        ("patch", "apps", "deployments"), ("update", "llmd.ai", "variantautoscalings"), ("create", "", "pods"),
        ("create", "", "pods/eviction"),
    ):  # fmt: skip
        assert not await may(verb, group, what, installed.namespace), (verb, what)


async def test_the_shipped_settings_are_taken(api: Api, installed: Installation) -> None:
    found = {body["metadata"]["name"]: body for body in objects(installed, Part.CONTROLLER) if "data" in body}
    text = found.pop(installed.name("manager-config"))["data"]["config.yaml"]
    assert parse_settings({}, {}, text).notices == ()
    assert SATURATION in found
    for body in found.values():
        accepted = accept(None, config_map({**body, "metadata": {**body["metadata"], "resourceVersion": "1"}}))
        assert (accepted.refusal, accepted.layer.notices) == (None, ())
        assert accepted.layer.default is not None


async def test_editors_of_a_namespace_may_declare_variants(api: Api, installed: Installation) -> None:
    roles = {"wva-variantautoscalings-edit": "aggregate-to-edit", "wva-variantautoscalings-view": "aggregate-to-view"}
    bodies = {body["metadata"]["name"]: body for body in objects(installed, Part.CRD)}
    for name, label in roles.items():
        assert bodies[name]["metadata"]["labels"][f"rbac.authorization.k8s.io/{label}"] == "true"
    edit = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "edit"}}

    async def aggregated() -> bool:
        rules = (await api.read(resource_of(edit), None, "edit"))["rules"]
        return any("variantautoscalings" in rule.get("resources", ()) and "create" in rule["verbs"] for rule in rules)

    await until(aggregated, "the role edit has the kind")
