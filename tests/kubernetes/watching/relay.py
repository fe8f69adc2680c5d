"""A TCP relay in front of the API server: a network that breaks, or goes silently dead, on demand."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import yaml


class Relay:
    """Passes bytes on, between clients and one server."""

    def __init__(self, host: str, port: int) -> None:
        self._server = host, port
        self._writers = set[asyncio.StreamWriter]()
        self._passing = asyncio.Event()
        self._passing.set()
        self._open = True

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Look after one client."""
        try:
            if not self._open:
                raise ConnectionError("it is cut")
            there, onward = await asyncio.open_connection(*self._server)
        except ConnectionError:
            writer.close()
            return
        own = {writer, onward}
        self._writers |= own
        try:
            await asyncio.gather(self._pass(reader, onward, self._passing), self._pass(there, writer, self._passing))
        finally:
            self._writers -= own

    def cut(self) -> None:
        """Close every connection, and take none."""
        self._open = False
        for writer in self._writers:
            writer.close()

    def mend(self) -> None:
        """Take connections again."""
        self._open = True

    def deaden(self) -> None:
        """Keep connections open and pass nothing on; those that come from now on are well."""
        self._passing.clear()
        self._passing = asyncio.Event()
        self._passing.set()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, passing: asyncio.Event) -> None:
        with suppress(ConnectionError):
            while chunk := await reader.read(2**16):
                await passing.wait()
                writer.write(chunk)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def relayed(kubeconfig: Path, directory: Path) -> AsyncIterator[tuple[Relay, Path]]:
    """A relay, and a kubeconfig in the directory that leads through it."""
    config = yaml.safe_load(kubeconfig.read_text())
    cluster = config["clusters"][0]["cluster"]
    server = urlsplit(cluster["server"])
    relay = Relay(server.hostname or "", server.port or 443)
    listening = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    cluster["server"] = f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    through = directory / "relayed.kubeconfig"
    through.write_text(yaml.safe_dump(config))
    try:
        yield relay, through
    finally:
        relay.cut()
        listening.close()
