"""That used and asked rights are told apart: on synthetic requests, and on real ones through the recorder."""

from pathlib import Path

import pytest

from tests.kubernetes.accounts import service_account
from tests.kubernetes.rights import Use, compare, recorded, use_of
from wva.kubernetes.api.client import Api, configuration
from wva.kubernetes.api.errors import ApiError
from wva.kubernetes.api.resource import CONFIG_MAPS, PODS, SUBJECT_ACCESS_REVIEWS
from wva.kubernetes.configuration.parse import SATURATION
from wva.kubernetes.manifests.rights import Right, Where, rights


@pytest.mark.parametrize(
    ("request_line", "expected"),
    [
        ("GET /api/v1/pods?limit=500", Use("list", "", "pods")),
        ("GET /api/v1/pods?watch=true&resourceVersion=7", Use("watch", "", "pods")),
        ("GET /api/v1/namespaces/team/pods?watch=1", Use("watch", "", "pods", "team")),
        ("GET /api/v1/namespaces/team/pods/p", Use("get", "", "pods", "team", "p")),
        ("PATCH /api/v1/namespaces/team/pods/p/status", Use("patch", "", "pods/status", "team", "p")),
        ("GET /api/v1/namespaces", Use("list", "", "namespaces")),
        ("GET /api/v1/nodes?watch=true", Use("watch", "", "nodes")),
        (
            "GET /api/v1/configmaps?fieldSelector=metadata.name%3Dwva-x&watch=true",
            Use("watch", "", "configmaps", None, "wva-x"),
        ),
        (
            "PUT /apis/coordination.k8s.io/v1/namespaces/wva/leases/l",
            Use("update", "coordination.k8s.io", "leases", "wva", "l"),
        ),
        (
            "PATCH /apis/apps/v1/namespaces/team/deployments/d/scale",
            Use("patch", "apps", "deployments/scale", "team", "d"),
        ),
        (
            "POST /apis/authentication.k8s.io/v1/tokenreviews",
            Use("create", "authentication.k8s.io", "tokenreviews"),
        ),
        ("GET /metrics", Use("get", "", "/metrics")),
        ("GET /version", None),
        ("GET /api/v1", None),
        ("GET /apis", None),
        ("GET /apis/apps/v1", None),
    ],
)
def test_requests_in_the_words_of_rights(request_line: str, expected: Use | None) -> None:
    method, _, target = request_line.partition(" ")
    assert use_of(method, target) == expected


def uses_of(asked: tuple[Right, ...], home: str, only: str | None = None) -> list[Use]:
    """Every right once."""
    return [
        Use(verb, right.group, what, home if right.where is Where.HOME else only, next(iter(right.names), None))
        for right in asked
        if only is None or right.where is not Where.CLUSTER
        for what in right.urls or right.resources
        for verb in right.verbs
    ]


@pytest.mark.parametrize("only", [None, "wva"])
def test_rights_that_are_all_used_and_enough(only: str | None) -> None:
    asked = rights()
    found = compare(uses_of(asked, "wva", only), asked, "wva", only)
    assert (found.missing, found.unused) == (frozenset(), frozenset())


@pytest.mark.parametrize(
    "use",
    [
        Use("list", "", "secrets"),
        Use("update", "apps", "deployments/scale", "team", "d"),
        Use("patch", "apps", "deployments", "team", "d"),
        Use("list", "", "configmaps"),
        Use("watch", "", "configmaps", None, "another"),
        Use("update", "coordination.k8s.io", "leases", "wva", "another"),
        Use("create", "coordination.k8s.io", "leases", "team"),
    ],
)
def test_what_is_used_beyond_them(use: Use) -> None:
    assert compare([use], rights(), "wva").missing == {use}


def test_one_namespace_is_all_that_it_may_see() -> None:
    asked = rights()
    outside = {Use("list", "", "pods"), Use("list", "", "pods", "team"), Use("list", "", "nodes")}
    assert compare(outside, asked, "wva", "wva").missing == outside
    assert not compare(outside, asked, "wva").missing


def test_what_is_asked_for_and_not_used() -> None:
    asked = rights()
    used = [use for use in uses_of(asked, "wva") if use.resource != "deployments/scale"]
    unused = {("get", "apps", "deployments/scale"), ("patch", "apps", "deployments/scale")}
    assert compare(used, asked, "wva").unused == unused


async def test_a_real_client_is_recorded(api: Api, namespace: str, kubeconfig: Path, tmp_path: Path) -> None:
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}]
    account = await service_account(api, kubeconfig, tmp_path, namespace, "reader", rules)
    async with (
        recorded(account.kubeconfig, tmp_path) as recording,
        Api(await configuration(recording.kubeconfig)) as client,
    ):
        await client.version()
        assert isinstance(await client.list(CONFIG_MAPS, namespace), tuple)
        with pytest.raises(ApiError, match=account.user):
            await client.read(PODS, namespace, SATURATION)
        with pytest.raises(ApiError, match="403"):
            await client.create(SUBJECT_ACCESS_REVIEWS, None, {"spec": {}})
    may_not = [
        Use("get", "", "pods", namespace, SATURATION),
        Use("create", "authorization.k8s.io", "subjectaccessreviews"),
    ]
    assert recording.uses == [Use("list", "", "configmaps", namespace), *may_not]
    assert recording.refused == may_not
