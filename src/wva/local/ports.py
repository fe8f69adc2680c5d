"""Ports for replicas: free ones, each given to one replica at a time."""

import socket

from wva.local.schema import FleetSpec


class NoPortError(Exception):
    """No port is free now."""


class Ports:
    """The ports of one address that replicas may have."""

    def __init__(self, host: str, limits: tuple[int, int] | None = None) -> None:
        """Take ports from the first to the last of ``limits``, or any that the system gives."""
        self._host = host
        self._limits = limits
        self._taken: set[int] = set()
        self._next = limits[0] if limits else 0

    @classmethod
    def of(cls, fleet: FleetSpec) -> "Ports":
        """The ports that a fleet's file allows."""
        return cls(fleet.replicas.host, fleet.replicas.ports)

    def take(self) -> int:
        """A port that nobody listens on, and that no replica has.

        Raises:
            NoPortError: There is none.

        """
        if self._limits is None:
            return self._any()
        first, last = self._limits
        count = last - first + 1
        # Round the range, so that a port just left, or just lost to another program, comes last.
        for port in (first + (self._next - first + step) % count for step in range(count)):
            if port not in self._taken and self.is_free(port):
                self._next = first + (port - first + 1) % count
                self._taken.add(port)
                return port
        raise NoPortError(f"no port from {first} to {last} is free")

    def give_back(self, port: int) -> None:
        """Let another replica have it."""
        self._taken.discard(port)

    def is_free(self, port: int) -> bool:
        """Whether nobody listens on it now."""
        try:
            with self._bound(port):
                return True
        except OSError:
            return False

    def _any(self) -> int:
        while True:
            try:
                with self._bound(0) as taken:
                    port = int(taken.getsockname()[1])
            except OSError as error:
                raise NoPortError(f"the system gives no port on {self._host} ({error.strerror})") from None
            if port not in self._taken:
                self._taken.add(port)
                return port

    def _bound(self, port: int) -> socket.socket:
        family, kind, protocol, _, address = socket.getaddrinfo(self._host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol)
        try:
            # As servers do: what a former one has left in TIME_WAIT does not count.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
        except OSError:
            bound.close()
            raise
        return bound
