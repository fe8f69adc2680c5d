"""Ports of this machine, for tests."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager


@contextmanager
def listening(port: int = 0) -> Iterator[int]:
    """Somebody else's server; the port that it has."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", port))
        server.listen()
        yield server.getsockname()[1]


def free_neighbours(count: int) -> tuple[int, ...]:
    """Ports in a row that nobody listens on."""
    for first in range(20_000, 30_000, 7):
        ports = tuple(range(first, first + count))
        try:
            with ExitStack() as stack:
                for port in ports:
                    stack.enter_context(listening(port))
                return ports
        except OSError:
            continue
    raise AssertionError("every port is taken")
