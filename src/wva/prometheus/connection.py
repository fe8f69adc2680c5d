"""How a Prometheus server is reached, and asked."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp

from wva.fleet.errors import UserError
from wva.prometheus.answer import RefusedError, refusal


@dataclass(frozen=True, slots=True)
class Connection:
    """Where a Prometheus server is and what it takes to be let in."""

    url: str
    """Base of its addresses, a path in front of ``/api`` included."""
    ca_file: Path | None = None
    """Certificates to trust, in PEM; the system's without."""
    certificate_file: Path | None = None
    """The client's own certificate, in PEM."""
    key_file: Path | None = None
    """The key of it; ``None`` where it is in the same file."""
    server_name: str | None = None
    """Name that the server's certificate is to be for, where the URL has another."""
    insecure: bool = False
    """Trust any certificate. Whoever is on the way can then read the token and make up the figures."""
    token_file: Path | None = None
    """A bearer token, read again for every turn because cluster tokens rotate."""
    token: str | None = field(default=None, repr=False)
    """A bearer token that stays as it is, for where there is no file."""
    timeout_s: float = 5.0
    """Real seconds for all that one turn asks."""


def tls_of(connection: Connection) -> ssl.SSLContext | bool:
    """What to trust and to show. Raises ``UserError`` where the files are no such thing."""
    if not connection.url.startswith(("http://", "https://")):
        raise UserError(f"{connection.url!r} is not the address of a Prometheus server: write http:// or https://")
    if connection.url.startswith("http://"):
        return True
    try:
        context = ssl.create_default_context(cafile=connection.ca_file)
        if connection.certificate_file is not None:
            context.load_cert_chain(connection.certificate_file, connection.key_file)
    except (OSError, ssl.SSLError) as error:
        files = (connection.ca_file, connection.certificate_file, connection.key_file)
        named = ", ".join(str(file) for file in files if file is not None)
        raise UserError(f"cannot use the certificates for {connection.url} ({named}): {error}") from error
    if connection.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class PrometheusApi:
    """Asks a Prometheus server over HTTP; use it as an asynchronous context manager."""

    def __init__(self, connection: Connection) -> None:
        """Connect when first asked. Raises ``UserError`` where the address or a certificate is wrong."""
        self._connection = connection
        self._tls = tls_of(connection)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        # More at once would wait inside the server, which works on twenty queries at a time.
        connector = aiohttp.TCPConnector(limit=10, ssl=self._tls)
        self._session = aiohttp.ClientSession(connector=connector)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    def authorization(self) -> dict[str, str]:
        """The header that lets the client in, with the token as it is now. Raises ``RefusedError`` without a token."""
        file = self._connection.token_file
        if file is None:
            token = self._connection.token
            return {} if token is None else {"Authorization": f"Bearer {token}"}
        try:
            token = file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise RefusedError(f"cannot read the token {file}: {error}") from error
        if not token or not token.isprintable():
            raise RefusedError(f"the token {file} is empty or no text")
        return {"Authorization": f"Bearer {token}"}

    async def query(self, expression: str, headers: dict[str, str], at: float | None = None) -> bytes:
        """The answer to an instant query, at a time in seconds since the epoch or now, as JSON.

        Raises ``RefusedError`` where the server is not reached, lets nobody in, or does not answer with JSON.
        """
        assert self._session is not None
        parameters = {"query": expression} | ({} if at is None else {"time": repr(at)})
        url = f"{self._connection.url.rstrip('/')}/api/v1/query"
        try:
            request = self._session.get(
                url, params=parameters, headers=headers, server_hostname=self._connection.server_name
            )
            async with request as response:
                if response.content_type != "application/json":
                    raise RefusedError(f"{self._connection.url} answers HTTP {response.status} and no JSON")
                answer = await response.read()
        except (OSError, TimeoutError, aiohttp.ClientError, ValueError) as error:
            raise RefusedError(
                f"{self._connection.url} does not answer: {str(error) or type(error).__name__}"
            ) from error
        if response.status != 200:
            raise RefusedError(f"{self._connection.url} answers HTTP {response.status}: {refusal(answer)}")
        return answer
