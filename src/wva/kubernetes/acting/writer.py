"""Requests that change something: only by the leader, and so many at once."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from wva.fleet.errors import UserError
from wva.kubernetes.api.client import MERGE_PATCH, Api, Body
from wva.kubernetes.api.resource import Resource


class NotLeadingError(UserError):
    """Another process leads by now."""


class Writer:
    """Reads and patches objects; whether this process leads is asked before every write."""

    def __init__(self, api: Api, leads: Callable[[], bool], at_once: int = 8) -> None:
        """``leads`` says whether this process may write now."""
        self._api = api
        self._leads = leads
        self._slots = asyncio.Semaphore(at_once)

    async def read(self, resource: Resource, namespace: str, name: str, subresource: str | None = None) -> Body:
        """One object, or a part of it."""
        async with self._slots:
            return await self._api.read(resource, namespace, name, subresource)

    async def patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        body: Mapping[str, Any],
        subresource: str | None = None,
        kind: str = MERGE_PATCH,
    ) -> Body:
        """Change fields of one. Raises ``NotLeadingError`` where this process does not lead, and then writes nothing.

        Other errors are those of ``Api.patch``.
        """
        async with self._slots:
            if not self._leads():
                raise NotLeadingError(f"{resource.plural} {namespace}/{name} not written: another process leads by now")
            return await self._api.patch(resource, namespace, name, body, subresource, kind)
