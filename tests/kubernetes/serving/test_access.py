"""Who may read the metrics, by a real API server's word; and what holds when it says none."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.control.virtual import VirtualClock
from tests.kubernetes.accounts import service_account
from wva.kubernetes.api.client import Api, configuration
from wva.kubernetes.api.errors import ApiError
from wva.kubernetes.serving import access
from wva.kubernetes.serving.access import ALLOWED_S, AT_ONCE, LET_IN, REFUSED_S, ReviewedAccess, Verdict

READ = [{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]
REVIEW = [
    {"apiGroups": ["authentication.k8s.io"], "resources": ["tokenreviews"], "verbs": ["create"]},
    {"apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"], "verbs": ["create"]},
]


async def test_the_api_server_says_who_may(api: Api, namespace: str, kubeconfig: Path, tmp_path: Path) -> None:
    reviewer = await service_account(api, kubeconfig, tmp_path, namespace, "wva", [], REVIEW)
    reader = await service_account(api, kubeconfig, tmp_path, namespace, "prometheus", [], READ)
    other = await service_account(api, kubeconfig, tmp_path, namespace, "other", [])
    async with Api(await configuration(reviewer.kubeconfig)) as own:
        judge = ReviewedAccess(own, VirtualClock()).judge
        assert await judge(f"Bearer {reader.token}", "/metrics") == LET_IN
        assert (await judge(f"Bearer {reader.token}", "/other")).status == 403
        refused = await judge(f"bearer {other.token}", "/metrics")
        assert (refused.status, other.user in refused.reason) == (403, True)
        for wrong in (None, "", "Bearer", "Bearer ", "Bearer made-up", "Basic dTpw", f"Bearer {reader.token}x"):
            assert (await judge(wrong, "/metrics")).status == 401
    async with Api(await configuration(other.kubeconfig)) as without_rights:
        said = await ReviewedAccess(without_rights, VirtualClock()).judge(f"Bearer {reader.token}", "/metrics")
    assert said.status == 503
    assert "cannot create resource" in said.reason


class Reviewer(Api):
    """An API server of which tests say what it answers, and that counts what it is asked."""

    def __init__(self) -> None:
        self.known = {"good"}
        self.away = False
        self.asked = 0
        self.now = 0
        self.at_once = 0

    async def create(self, resource: Any, namespace: Any, body: Any, name: Any = None, subresource: Any = None) -> Any:
        self.asked += 1
        self.now += 1
        self.at_once = max(self.at_once, self.now)
        await asyncio.sleep(0)
        self.now -= 1
        if self.away:
            raise ApiError("it is away", None)
        if body["kind"] == "TokenReview":
            return {"status": {"authenticated": body["spec"]["token"] in self.known, "user": {"username": "u"}}}
        return {"status": {"allowed": True}}


def reviewed() -> tuple[ReviewedAccess, Reviewer, VirtualClock]:
    api, clock = Reviewer(), VirtualClock()
    return ReviewedAccess(api, clock), api, clock


async def test_answers_hold_for_a_while() -> None:
    judge, api, clock = reviewed()
    for _ in range(3):
        assert await judge.judge("Bearer good", "/metrics") == LET_IN
        assert (await judge.judge("Bearer bad", "/metrics")).status == 401
    assert api.asked == 3
    api.known = {"bad"}
    clock.now = REFUSED_S
    assert [(await judge.judge(f"Bearer {token}", "/metrics")).status for token in ("bad", "good")] == [200, 200]
    clock.now = ALLOWED_S
    assert (await judge.judge("Bearer good", "/metrics")).status == 401


async def test_who_cannot_be_asked_about_is_not_let_in() -> None:
    judge, api, clock = reviewed()
    api.away = True
    assert await judge.judge("Bearer good", "/metrics") == Verdict(503, "cannot tell who may read: it is away")
    api.away = False
    assert await judge.judge("Bearer good", "/metrics") == LET_IN, "that it was away is not remembered"
    api.away = True
    assert await judge.judge("Bearer good", "/metrics") == LET_IN
    clock.now = ALLOWED_S
    assert (await judge.judge("Bearer good", "/metrics")).status == 503


async def test_many_that_are_the_same_are_one_question() -> None:
    judge, api, _ = reviewed()
    assert set(await asyncio.gather(*(judge.judge("Bearer good", "/metrics") for _ in range(50)))) == {LET_IN}
    assert api.asked <= 2 * AT_ONCE


async def test_made_up_tokens_are_asked_about_in_turn_and_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "KEPT", 10)
    judge, api, _ = reviewed()
    await asyncio.gather(*(judge.judge(f"Bearer {number}", "/metrics") for number in range(50)))
    assert (api.asked, api.at_once) == (50, AT_ONCE)
    await judge.judge("Bearer 49", "/metrics")
    assert api.asked == 50
    await judge.judge("Bearer 0", "/metrics")
    assert api.asked == 51
