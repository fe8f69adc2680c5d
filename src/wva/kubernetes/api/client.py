"""Requests to the API server, with objects as JSON.

Objects go in and come out as they are on the wire: what WVA reads of them is in ``kubernetes.objects``, and what it
writes is a few fields.
"""

import json
import os
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import yaml
from kubernetes_asyncio.client.api_client import ApiClient
from kubernetes_asyncio.client.configuration import Configuration
from kubernetes_asyncio.config.config_exception import ConfigException
from kubernetes_asyncio.config.incluster_config import SERVICE_HOST_ENV_NAME, load_incluster_config
from kubernetes_asyncio.config.kube_config import KUBE_CONFIG_DEFAULT_LOCATION, load_kube_config

from wva.fleet.errors import UserError
from wva.kubernetes.api.errors import ApiError
from wva.kubernetes.api.events import Event, event, lines
from wva.kubernetes.api.resource import Resource

MERGE_PATCH = "application/merge-patch+json"
"""Fields that are named replace those of the object, lists as a whole; ``null`` removes."""
STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json"
"""The same, but entries of some lists, such as conditions by their types, replace one another."""

Body = dict[str, Any]


async def configuration(kubeconfig: Path | None = None, context: str | None = None) -> Configuration:
    """How the API server is reached: as the kubeconfig says, or as a pod is told to where there is none.

    Raises ``UserError`` where neither leads anywhere.
    """
    found = Configuration()
    try:
        if kubeconfig is None and SERVICE_HOST_ENV_NAME in os.environ:
            load_incluster_config(found)  # type: ignore[no-untyped-call]
        else:
            place = str(kubeconfig or KUBE_CONFIG_DEFAULT_LOCATION)
            await load_kube_config(place, context, found)
    except (ConfigException, OSError, yaml.YAMLError) as error:
        where = "the pod's service account" if kubeconfig is None else str(kubeconfig)
        text = " ".join(str(error).split())
        raise UserError(f"no way to the API server by {where}: {text}; name a kubeconfig") from error
    return found


class Api:
    """The API server; use it as an asynchronous context manager.

    Every request raises ``ApiError`` where it is refused, or no answer comes within its time.
    """

    def __init__(self, configuration: Configuration, timeout_s: float = 10.0) -> None:
        """``timeout_s`` is for each request."""
        self._configuration = configuration
        self._timeout_s = timeout_s
        self._client: ApiClient | None = None

    async def __aenter__(self) -> Self:
        self._client = ApiClient(self._configuration)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.close()

    async def version(self) -> tuple[int, int]:
        """The API server's own version, such as (1, 20)."""
        found = await self._request("GET", "/version")
        return int(found["major"]), int("".join(filter(str.isdigit, found["minor"])))

    async def list(
        self, resource: Resource, namespace: str | None = None, selector: str | None = None
    ) -> tuple[Body, ...]:
        """All objects of a kind, in one namespace where it is given."""
        query = {} if selector is None else {"labelSelector": selector}
        answer = await self._request("GET", resource.path(namespace), query=query)
        return tuple(answer.get("items") or ())

    async def page(
        self, resource: Resource, namespace: str | None, limit: int, token: str = "", fields: str | None = None,
        labels: str | None = None,
    ) -> Body:  # fmt: skip
        """A list of so many objects; its ``metadata`` names its version and, as ``continue``, the token of the next.

        All pages are of the version that the first one is of. ``fields`` and ``labels`` are selectors.
        """
        query = {"limit": str(limit), "continue": token, "fieldSelector": fields or "", "labelSelector": labels or ""}
        given = {name: value for name, value in query.items() if value}
        found = await self._request("GET", resource.path(namespace), query=given)
        if not (found.get("metadata") or {}).get("resourceVersion"):
            raise ApiError(f"GET {resource.path(namespace)}: not a list as API servers send them", None)
        return found

    async def watch(
        self,
        resource: Resource,
        namespace: str | None,
        version: str,
        seconds: float,
        limit_s: float,
        fields: str | None = None,
        labels: str | None = None,
    ) -> AsyncGenerator[Event, None]:
        """What happens to objects of a kind after a version; it ends once the API server ends it, after ``seconds``.

        Raises ``ApiError`` as requests do, also later on: where the connection breaks, where the end does not come
        within ``limit_s``, as over a connection that is silently dead, and where the API server cannot go on.
        """
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(round(seconds)),
            "fieldSelector": fields or "",
            "labelSelector": labels or "",
        }
        given = {name: value for name, value in query.items() if value}
        about = f"WATCH {resource.path(namespace)}"
        with _reached(about, limit_s):
            async with await self._response("GET", resource.path(namespace), None, given, limit_s=limit_s) as response:
                if response.status != HTTPStatus.OK:
                    _answer(about, response.status, await response.read())
                async for line in lines(response.content.iter_any()):
                    yield event(about, line)

    async def read(self, resource: Resource, namespace: str | None, name: str, subresource: str | None = None) -> Body:
        """One object, or a part of it such as its ``scale``."""
        return await self._request("GET", resource.path(namespace, name, subresource))

    async def create(
        self, resource: Resource, namespace: str | None, body: Mapping[str, Any], name: str | None = None,
        subresource: str | None = None,
    ) -> Body:  # fmt: skip
        """A new object; with ``name`` and ``subresource``, something done to one, such as an eviction."""
        return await self._request("POST", resource.path(namespace, name, subresource), body)

    async def replace(
        self, resource: Resource, namespace: str | None, name: str, body: Mapping[str, Any],
        subresource: str | None = None,
    ) -> Body:  # fmt: skip
        """The object instead of the one that is there, which must have the ``resourceVersion`` that the body names."""
        return await self._request("PUT", resource.path(namespace, name, subresource), body)

    async def patch(
        self, resource: Resource, namespace: str | None, name: str, body: Mapping[str, Any],
        subresource: str | None = None, kind: str = MERGE_PATCH,
    ) -> Body:  # fmt: skip
        """Change fields by a patch; only if nothing else did where it names a ``resourceVersion``."""
        return await self._request("PATCH", resource.path(namespace, name, subresource), body, kind=kind)

    async def delete(self, resource: Resource, namespace: str | None, name: str) -> None:
        """Ask for an object's end."""
        await self._request("DELETE", resource.path(namespace, name))

    async def _request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        kind: str = "application/json",
    ) -> Body:
        about = f"{method} {path}"
        with _reached(about, self._timeout_s):
            async with await self._response(
                method, path, body, query or {}, limit_s=self._timeout_s, kind=kind
            ) as response:
                text = await response.read()
        return _answer(about, response.status, text)

    async def _response(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        query: Mapping[str, str],
        *,
        limit_s: float,
        kind: str = "application/json",
    ) -> aiohttp.ClientResponse:
        """The answer as it begins; ``limit_s`` is for all of it."""
        assert self._client is not None
        found: aiohttp.ClientResponse = await self._client.call_api(
            path,
            method,
            query_params=list(query.items()),
            header_params={"Accept": "application/json", "Content-Type": kind},
            body=None if body is None else dict(body),
            auth_settings=["BearerToken"],
            _preload_content=False,
            _request_timeout=aiohttp.ClientTimeout(total=limit_s, sock_connect=self._timeout_s),
        )
        return found


@contextmanager
def _reached(about: str, limit_s: float) -> Iterator[None]:
    """Say in one line what kept an answer from coming, or from coming to its end."""
    try:
        yield
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        words = str(error) or f"no answer within {limit_s:g} s"
        raise ApiError(f"{about}: the API server is not reached: {words}", None) from error


def _answer(about: str, code: int, text: bytes) -> Body:
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        found = None
    if isinstance(found, dict) and 200 <= code < 300:
        return found
    said = found if isinstance(found, dict) else {}
    message = said.get("message") or text[:200].decode(errors="replace")
    raise ApiError(f"{about}: {code} {' '.join(message.split())}", code, said.get("reason") or "")
