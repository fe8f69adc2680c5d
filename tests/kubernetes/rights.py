"""Rights that are used, as an API server is asked, and how they compare with those that are asked for."""

import re
import ssl
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
import yaml
from aiohttp import web

from wva.kubernetes.api.client import configuration
from wva.kubernetes.manifests.rights import Right, Where

_OBJECTS = re.compile(
    r"/(?:api|apis/(?P<group>[^/]+))/[^/]+(?:/namespaces/(?P<namespace>[^/]+))?"
    r"/(?P<resource>[a-z]+)(?:/(?P<name>[^/]+))?(?:/(?P<sub>[a-z]+))?"
)
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_EVERYBODY = re.compile(r"/(api|apis|version|openapi|healthz|livez|readyz)(/.*)?")
"""Paths that any account may get: the API server's discovery."""
_DISCOVERY = re.compile(r"/(api/[^/]+|apis(/[^/]+){0,2})/?")
_NOT_FORWARDED = {"host", "content-length", "transfer-encoding", "content-encoding", "connection"}


@dataclass(frozen=True, slots=True)
class Use:
    """One request, in the words of rights."""

    verb: str
    group: str
    resource: str
    """With its subresource, as ``deployments/scale``; a path where it is of no object."""
    namespace: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both are empty where exactly the rights that are used are asked for."""

    missing: frozenset[Use]
    unused: frozenset[tuple[str, str, str]]
    """Verb, group and resource."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What a client did; it grows."""

    kubeconfig: Path
    """What the client has to use."""
    uses: list[Use] = field(default_factory=list)
    refused: list[Use] = field(default_factory=list)
    """Those of them that the account may not."""


def use_of(method: str, target: str) -> Use | None:
    """What a request needs; ``None`` where everybody may do it."""
    url = urlsplit(target)
    query = parse_qs(url.query)
    found = _OBJECTS.fullmatch(url.path)
    if found is None or _DISCOVERY.fullmatch(url.path):
        return None if _EVERYBODY.fullmatch(url.path) else Use(method.lower(), "", url.path)
    name = found["name"] or next(
        (text.removeprefix("metadata.name=") for text in query.get("fieldSelector", []) if "metadata.name=" in text),
        None,
    )
    verb = _VERBS.get(method, "get" if found["name"] else "list")
    if verb == "list" and query.get("watch", ["false"])[-1] in ("true", "1"):
        verb = "watch"
    resource = f"{found['resource']}/{found['sub']}" if found["sub"] else found["resource"]
    return Use(verb, found["group"] or "", resource, found["namespace"], name)


def compare(used: Iterable[Use], asked: Collection[Right], home: str, only: str | None = None) -> Comparison:
    """What was used against what a controller asks for that runs in ``home`` and watches ``only`` one namespace."""
    uses = frozenset(used)
    held = [right for right in asked if only is None or right.where is not Where.CLUSTER]
    missing = frozenset(use for use in uses if not any(_allows(right, use, home, only) for right in held))
    wanted = {(verb, right.group, what) for right in held for verb in right.verbs for what in _objects(right)}
    return Comparison(missing, frozenset(wanted - {(use.verb, use.group, use.resource) for use in uses}))


@asynccontextmanager
async def recorded(kubeconfig: Path, directory: Path) -> AsyncIterator[Recording]:
    """Stand between a client with a token and its API server."""
    server = await configuration(kubeconfig)
    context = ssl.create_default_context(cafile=server.ssl_ca_cert)
    recording = Recording(directory / f"recorded-{kubeconfig.name}")
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(), auto_decompress=False) as session:

        async def forward(request: web.Request) -> web.StreamResponse:
            use = use_of(request.method, request.raw_path)
            if use is not None:
                recording.uses.append(use)
            response = await _forwarded(request, session, f"{server.host}{request.raw_path}", context)
            if use is not None and response.status == web.HTTPForbidden.status_code:
                recording.refused.append(use)
            return response

        runner = web.AppRunner(web.Application(), access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        runner.app.router.add_route("*", "/{path:.*}", forward)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            config = yaml.safe_load(kubeconfig.read_text())
            address = f"http://127.0.0.1:{runner.addresses[0][1]}"
            clusters = [{"name": each["name"], "cluster": {"server": address}} for each in config["clusters"]]
            recording.kubeconfig.write_text(yaml.safe_dump({**config, "clusters": clusters}))
            yield recording
        finally:
            await runner.cleanup()


async def _forwarded(
    request: web.Request, session: aiohttp.ClientSession, url: str, context: ssl.SSLContext
) -> web.StreamResponse:
    headers = {name: value for name, value in request.headers.items() if name.lower() not in _NOT_FORWARDED}
    async with session.request(request.method, url, headers=headers, data=await request.read(), ssl=context) as answer:
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in _NOT_FORWARDED}
        if "Content-Encoding" in answer.headers:
            kept["Content-Encoding"] = answer.headers["Content-Encoding"]
        response = web.StreamResponse(status=answer.status, headers=kept)
        await response.prepare(request)
        async for part in answer.content.iter_any():
            await response.write(part)
        return response


def _objects(right: Right) -> tuple[str, ...]:
    return right.urls or right.resources


def _allows(right: Right, use: Use, home: str, only: str | None) -> bool:
    if use.verb not in right.verbs or use.group != right.group or use.resource not in _objects(right):
        return False
    if right.names and use.name not in right.names:
        return False
    if right.where is Where.HOME:
        return use.namespace == home
    return right.where is not Where.FLEET or only is None or use.namespace == only
