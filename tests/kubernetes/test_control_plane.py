"""The tests' control plane itself: what it creates, whom it lets do what, and that it comes back."""

from pathlib import Path

import pytest

from tests.kubernetes.accounts import service_account
from tests.kubernetes.apply import apply
from tests.kubernetes.bodies import template
from tests.kubernetes.control_plane import ControlPlane, running
from tests.kubernetes.waiting import until
from wva.kubernetes.api.client import Api, configuration
from wva.kubernetes.api.errors import ApiError
from wva.kubernetes.api.resource import CONFIG_MAPS, PODS

pytestmark = pytest.mark.stops


async def test_controllers_make_pods_and_apply_changes_what_is_there(api: Api, namespace: str) -> None:
    settings = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: one, b: two}"
    for text in (settings, settings.replace("one", "three")):
        await apply(api, namespace, text)
    assert (await api.read(CONFIG_MAPS, namespace, "c"))["data"] == {"a": "three", "b": "two"}

    spec = {"replicas": 2, "selector": {"matchLabels": {"app": "x"}}, "template": template("--model=m")}
    await apply(
        api, namespace, {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": spec}
    )

    async def two() -> bool:
        return len(await api.list(PODS, namespace, "app=x")) == 2

    await until(two, "two pods")


async def test_an_account_may_what_its_role_says_and_no_more(
    api: Api, namespace: str, kubeconfig: Path, tmp_path: Path
) -> None:
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}]
    account = await service_account(api, kubeconfig, tmp_path, namespace, "reader", rules)
    async with Api(await configuration(account.kubeconfig)) as theirs:
        assert isinstance(await theirs.list(CONFIG_MAPS, namespace), tuple)
        with pytest.raises(ApiError, match=account.user) as refused:
            await theirs.list(PODS, namespace)
    assert refused.value.forbidden


@pytest.mark.slow
async def test_the_api_server_stops_and_comes_back_with_everything(
    api: Api, namespace: str, control_plane: ControlPlane
) -> None:
    await apply(api, namespace, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: one}")
    await control_plane.stop_api_server()
    with pytest.raises(ApiError, match="not reached"):
        await api.read(CONFIG_MAPS, namespace, "c")
    await control_plane.start_api_server()
    assert (await api.read(CONFIG_MAPS, namespace, "c"))["data"] == {"a": "one"}


@pytest.mark.parametrize(
    ("must", "outcome"), [(None, pytest.skip.Exception), ("1", pytest.fail.Exception)], ids=["may", "must"]
)
def test_without_programs_tests_say_how_to_get_them_and_fail_where_they_must_run(
    must: str | None, outcome: type[BaseException], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("WVA_TEST_KUBECONFIG", raising=False)
    monkeypatch.delenv("WVA_CI_KUBERNETES", raising=False)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    if must is not None:
        monkeypatch.setenv("WVA_CI_KUBERNETES", must)
    with pytest.raises(outcome, match="KUBEBUILDER_ASSETS"), running():
        pass


def test_a_cluster_of_somebody_else_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WVA_TEST_KUBECONFIG", str(tmp_path / "config"))
    with running() as found:
        assert found == ControlPlane(tmp_path / "config", None)
