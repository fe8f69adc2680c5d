"""Who may read the controller's metrics, as it is installed: over TLS, and only with the right to."""

import aiohttp
import pytest

from tests.kubernetes.accounts import bound, service_account
from tests.kubernetes.apply import apply
from tests.kubernetes.scenarios.stage import Stage
from tests.kubernetes.waiting import until
from wva.kubernetes.manifests.rights import READ_METRICS

pytestmark = pytest.mark.slow


async def test_metrics_are_for_those_who_may_read_them(stage: Stage) -> None:
    nobody = await service_account(stage.api, stage.admin, stage.directory, stage.namespace, "nobody", [])
    reader = await service_account(stage.api, stage.admin, stage.directory, stage.namespace, "prometheus", [])
    rule = {"nonResourceURLs": [READ_METRICS], "verbs": ["get"]}
    subject = {"kind": "ServiceAccount", "namespace": stage.namespace, "name": "prometheus"}
    await apply(stage.api, None, *bound("Cluster", f"{stage.namespace}-metrics-reader", [rule], subject))
    async with stage.controller(METRICS_SECURE="true") as controller, aiohttp.ClientSession() as http:
        url = controller.metrics.replace("http://", "https://") + "/metrics"

        async def answer(token: str | None) -> tuple[int, str]:
            headers = {} if token is None else {"Authorization": f"Bearer {token}"}
            async with http.get(url, headers=headers, ssl=False) as response:
                return response.status, await response.text()

        for token, refused in ((None, 401), ("made up", 401), (nobody.token, 403)):
            status, text = await answer(token)
            assert status == refused
            assert "wva_" not in text

        async def read() -> bool:
            status, text = await answer(reader.token)
            return status == 200 and "wva_loop_ticks_total" in text

        await until(read, "the metrics")
        with pytest.raises(aiohttp.ClientError):
            # Without TLS nothing is said.
            await http.get(url.replace("https://", "http://"))
