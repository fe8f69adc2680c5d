"""Who may read the metrics: the API server says who shows a token, and whether they may.

It is as in Kubernetes' own components: a TokenReview, then a SubjectAccessReview for the path and ``get``. What cannot
be asked is not allowed.
"""

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from wva.fleet.clock import Clock
from wva.kubernetes.api.client import Api
from wva.kubernetes.api.errors import ApiError
from wva.kubernetes.api.resource import SUBJECT_ACCESS_REVIEWS, TOKEN_REVIEWS

ALLOWED_S = 60.0
"""Seconds that an answer holds: rights that are taken away end so late."""
REFUSED_S = 10.0
KEPT = 1024
"""Answers that are kept; the oldest go first."""
AT_ONCE = 4
"""Tokens that are asked about at once. More wait: made-up tokens must not keep the API server busy."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be answered to who asks."""

    status: int
    """200 is let in, 401 nobody knows, 403 may not, 503 cannot be said."""
    reason: str = ""
    """For people, in one line."""


LET_IN = Verdict(200)


@dataclass(frozen=True, slots=True)
class _Kept:
    verdict: Verdict
    until: float


class ReviewedAccess:
    """Asks the API server, and remembers its answers for a while."""

    def __init__(self, api: Api, clock: Clock) -> None:
        self._api = api
        self._clock = clock
        self._answers: OrderedDict[tuple[bytes, str], _Kept] = OrderedDict()
        self._asking = asyncio.Semaphore(AT_ONCE)

    async def judge(self, authorization: str | None, path: str) -> Verdict:
        """Whether one who shows this ``Authorization`` header may ``get`` the path."""
        scheme, _, token = (authorization or "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            return Verdict(401, "show a token as Authorization: Bearer TOKEN")
        # The digest: tokens of others are not to lie around in memory.
        asked = hashlib.sha256(token.encode()).digest(), path
        known = self._known(asked)
        if known is not None:
            return known
        async with self._asking:
            return self._known(asked) or await self._ask(asked, token)

    def _known(self, asked: tuple[bytes, str]) -> Verdict | None:
        kept = self._answers.get(asked)
        return kept.verdict if kept is not None and self._clock.monotonic() < kept.until else None

    async def _ask(self, asked: tuple[bytes, str], token: str) -> Verdict:
        try:
            verdict = await self._reviewed(token, asked[1])
        except ApiError as error:
            return Verdict(503, f"cannot tell who may read: {error}")
        holds_s = ALLOWED_S if verdict.status == LET_IN.status else REFUSED_S
        self._answers[asked] = _Kept(verdict, self._clock.monotonic() + holds_s)
        self._answers.move_to_end(asked)
        while len(self._answers) > KEPT:
            self._answers.popitem(last=False)
        return verdict

    async def _reviewed(self, token: str, path: str) -> Verdict:
        review = await self._api.create(TOKEN_REVIEWS, None, _body("authentication", "TokenReview", {"token": token}))
        status = review.get("status") or {}
        if not status.get("authenticated"):
            return Verdict(401, "the API server does not know this token")
        user = status.get("user") or {}
        spec = {
            "user": user.get("username", ""),
            "uid": user.get("uid", ""),
            "groups": user.get("groups") or [],
            "extra": user.get("extra") or {},
            "nonResourceAttributes": {"path": path, "verb": "get"},
        }
        found = await self._api.create(
            SUBJECT_ACCESS_REVIEWS, None, _body("authorization", "SubjectAccessReview", spec)
        )
        if (found.get("status") or {}).get("allowed"):
            return LET_IN
        return Verdict(403, f"{user.get('username', '')} may not get {path}; bind the ClusterRole wva-metrics-reader")


def _body(group: str, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": f"{group}.k8s.io/v1", "kind": kind, "spec": spec}
