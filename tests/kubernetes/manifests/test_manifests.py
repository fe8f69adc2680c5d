"""What is installed, as data: names that do not collide, current API groups, and a folder for kustomize that is new."""

import re
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from wva.cli.manifests import manifests
from wva.fleet.errors import UserError
from wva.kubernetes.manifests.installation import Installation, Kubernetes
from wva.kubernetes.manifests.parts import Part, objects
from wva.kubernetes.manifests.text import as_yaml, kustomization
from wva.kubernetes.settings import HOME
from wva.kubernetes.settings_source import parse_settings

KUSTOMIZE = Path(__file__).parents[3] / "deploy/kustomize"
BASE = Installation(image=f"wva:{version('wva')}")
NAMESPACED = Installation(image=f"wva:{version('wva')}", namespace="wva", namespaced=True)


def of_kind(chosen: Installation, kind: str, part: Part = Part.ALL) -> list[dict[str, Any]]:
    return [body for body in objects(chosen, part) if body["kind"] == kind]


def keys(chosen: Installation) -> set[tuple[str, str, str]]:
    return {
        (body["kind"], body["metadata"].get("namespace", ""), body["metadata"]["name"])
        for body in objects(chosen, Part.ALL)
    }


@pytest.mark.parametrize(
    ("kubernetes", "expected"), [(Kubernetes.V1_20, "policy/v1beta1"), (Kubernetes.CURRENT, "policy/v1")]
)
def test_versions_of_api_groups(kubernetes: Kubernetes, expected: str) -> None:
    chosen = Installation(image="x", kubernetes=kubernetes)
    versions = {body["apiVersion"] for body in objects(chosen, Part.ALL)}
    assert versions == {"v1", "apps/v1", "rbac.authorization.k8s.io/v1", "apiextensions.k8s.io/v1", expected}


def test_nothing_of_the_cluster_but_metrics_is_bound_for_one_namespace() -> None:
    kinds = {body["kind"]: body for body in objects(NAMESPACED, Part.RBAC)}
    assert {"Namespace", "ClusterRole"} & kinds.keys() == {"ClusterRole"}
    bound = of_kind(NAMESPACED, "ClusterRoleBinding")
    assert [body["metadata"]["name"] for body in bound] == ["wva-metrics-wva"]


def test_installations_beside_each_other_share_only_what_is_the_same() -> None:
    chosen = [
        BASE,
        Installation(image="x", instance="blue"),
        Installation(image="x", namespace="team", namespaced=True),
        Installation(image="x", namespace="team", namespaced=True, instance="blue"),
        Installation(image="x", namespace="other", namespaced=True),
    ]
    shared = [keys(one) & keys(other) for place, one in enumerate(chosen) for other in chosen[place + 1 :]]
    names = {name for found in shared for _, _, name in found}
    assert names == {
        "variantautoscalings.llmd.ai", "wva-variantautoscalings-edit", "wva-variantautoscalings-view",
        "wva-metrics-reader", "wva-saturation-scaling-config", "wva-model-scale-to-zero-config", HOME,
    }  # fmt: skip
    assert len({yaml.dump(one.selector) for one in chosen}) == 2, "an instance's pods are its own"


def test_the_pods_environment_says_what_was_chosen() -> None:
    def environment(chosen: Installation) -> dict[str, str]:
        (body,) = of_kind(chosen, "Deployment")
        (container,) = body["spec"]["template"]["spec"]["containers"]
        given = {"metadata.namespace": chosen.namespace, "metadata.name": "wva-controller-x"}
        return {
            each["name"]: each.get("value") or given[each["valueFrom"]["fieldRef"]["fieldPath"]]
            for each in container["env"]
        }

    found = parse_settings({}, environment(Installation(image="x", namespace="a", namespaced=True, instance="blue")))
    assert found.notices == ()
    assert (found.settings.pod_namespace, found.settings.watch_namespace) == ("a", "a")
    assert found.settings.controller_instance == "blue"
    assert found.settings.lease == "blue.72dd1cf1.llm-d.ai"
    assert parse_settings({}, environment(BASE)).settings.watch_namespace is None


def test_the_lease_that_is_named_is_the_one_that_the_role_allows() -> None:
    chosen = replace(BASE, lease="shared.example")
    (pod,) = (body["spec"]["template"]["spec"] for body in of_kind(chosen, "Deployment"))
    environment = {each["name"]: each.get("value") for each in pod["containers"][0]["env"]}
    assert environment["LEADER_ELECTION_ID"] == "shared.example"
    named = [
        rule["resourceNames"]
        for role in of_kind(chosen, "Role")
        for rule in role["rules"]
        if "leases" in rule["resources"] and "resourceNames" in rule
    ]
    assert named == [["shared.example"]]


def test_what_is_mounted_is_what_is_written_to() -> None:
    (body,) = of_kind(BASE, "Deployment")
    pod = body["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    mounts = {each["name"]: each for each in container["volumeMounts"]}
    assert mounts.keys() == {each["name"] for each in pod["volumes"]}
    places = {each["mountPath"] for each in mounts.values() if not each.get("readOnly")}
    (settings,) = (body["data"]["config.yaml"] for body in of_kind(BASE, "ConfigMap") if "config.yaml" in body["data"])
    environment = {each["name"]: each.get("value") for each in container["env"]}
    assert yaml.safe_load(settings)["WVA_JOURNAL_DIR"] in places
    assert environment["NUMBA_CACHE_DIR"] in places


ENDPOINT = {
    "port": str, "path": str, "scheme": str, "interval": str, "bearerTokenFile": str, "tlsConfig": dict,
}  # fmt: skip
"""Fields of an endpoint that are used, as the Prometheus operator's definition of ``ServiceMonitor`` has them."""


def test_a_monitor_is_as_the_operator_defines_it() -> None:
    (monitor,) = objects(BASE, Part.MONITORING)
    assert (monitor["apiVersion"], monitor["kind"]) == ("monitoring.coreos.com/v1", "ServiceMonitor")
    spec = monitor["spec"]
    assert spec.keys() == {"endpoints", "namespaceSelector", "selector"}
    assert spec["namespaceSelector"].keys() == {"matchNames"}
    for each in spec["endpoints"]:
        assert all(isinstance(value, ENDPOINT[name]) for name, value in each.items())
        assert each["scheme"] in ("http", "https")
        assert re.fullmatch(r"([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?", each["interval"])
        assert each["tlsConfig"] == {"insecureSkipVerify": True}
        # What follows the gauge selects by ``exported_namespace``, which its label ``namespace`` becomes without this.
        assert "honorLabels" not in each


def test_a_monitor_finds_the_service() -> None:
    (monitor,) = objects(BASE, Part.MONITORING)
    (service,) = of_kind(BASE, "Service")
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["spec"]["namespaceSelector"]["matchNames"] == [service["metadata"]["namespace"]]
    assert [each["port"] for each in monitor["spec"]["endpoints"]] == [
        each["name"] for each in service["spec"]["ports"]
    ]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"namespace": "Team"}, "namespace 'Team'"),
        ({"instance": "a.b"}, "instance 'a.b'"),
        ({"instance": "x" * 41}, "at most 40"),
        ({"image": "a b"}, "image 'a b'"),
        ({"lease": "A"}, "lease 'A'"),
        ({"lease": "a..b"}, "lease 'a..b'"),
    ],
)
def test_impossible_names(given: dict[str, str], said: str) -> None:
    with pytest.raises(UserError, match=said):
        Installation(**{"image": "x", **given})  # type: ignore[arg-type]


@pytest.mark.parametrize(("folder", "chosen"), [("base", BASE), ("namespaced", NAMESPACED)])
def test_the_folder_for_kustomize_is_up_to_date(folder: str, chosen: Installation) -> None:
    there = {file.name: file.read_text() for file in (KUSTOMIZE / folder).iterdir()}
    assert there == kustomization(chosen), f"run: wva manifests --kustomize deploy/kustomize/{folder} (and its options)"


def test_kustomizations_list_what_is_there() -> None:
    for file in KUSTOMIZE.rglob("kustomization.yaml"):
        for name in yaml.safe_load(file.read_text())["resources"]:
            place = file.parent / name
            assert place.is_file() or (place / "kustomization.yaml").is_file(), f"{file}: {name}"


def test_the_command_prints_and_writes(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(manifests)
    runner = CliRunner()
    printed = runner.invoke(app, ["--kubernetes", "1.20", "--namespace", "team", "--namespaced", "--image", "r/wva:1"])
    assert printed.exit_code == 0, printed.output
    chosen = Installation(image="r/wva:1", namespace="team", namespaced=True, kubernetes=Kubernetes.V1_20)
    assert printed.output == as_yaml(objects(chosen, Part.ALL))
    assert list(yaml.safe_load_all(printed.output)) == objects(chosen, Part.ALL)
    assert runner.invoke(app, ["--kustomize", str(tmp_path / "new")]).exit_code == 0
    assert {file.name for file in (tmp_path / "new").iterdir()} == kustomization(BASE).keys()
    (tmp_path / "file").touch()
    wrong = runner.invoke(app, ["--kustomize", str(tmp_path / "file")])
    assert isinstance(wrong.exception, UserError)


def test_the_example_overlay_patches_what_there_is() -> None:
    overlay = yaml.safe_load((KUSTOMIZE / "overlays/team/kustomization.yaml").read_text())
    (patch,) = overlay["patches"]
    body = yaml.safe_load(patch["patch"])
    assert ("ConfigMap", NAMESPACED.namespace, body["metadata"]["name"]) in keys(NAMESPACED)
    assert parse_settings({}, {}, body["data"]["config.yaml"]).notices == ()
    (image,) = overlay["images"]
    assert image["name"] == BASE.image.partition(":")[0]
