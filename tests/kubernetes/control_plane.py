"""A real Kubernetes control plane for the tests: etcd, API server, controllers and scheduler, without kubelets."""

import asyncio
import fcntl
import os
import random
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
SCRIPTS = Path(__file__).parents[3] / "shared/k8s"
"""Start and stop the programs; not part of the project."""
PORTS = ("ETCD_PORT", "ETCD_PEER_PORT", "API_PORT", "KCM_PORT", "SCHED_PORT")
SETTINGS = {"HPA_SYNC": "5s", "FEATURE_GATES": "HPAScaleToZero=true"}
API_SERVER = "kube-apiserver"
START_LIMIT_S = 120.0
LISTENED = (20_000, 32_000)
"""Ports below those that Linux gives to connections."""


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """A control plane that answers, or did before its API server was stopped."""

    kubeconfig: Path
    """An administrator's."""
    directory: Path | None
    """Where it runs; ``None`` for somebody else's, which nobody here stops."""

    async def stop_api_server(self) -> None:
        """Kill the API server, which breaks every connection to it; nothing where it is stopped.

        SIGTERM would let it wait a minute for its watches.
        """
        if self.directory is None:
            pytest.skip("this control plane is somebody else's; unset WVA_TEST_KUBECONFIG")
        pid = _api_server(self.directory)
        if pid is None:
            return
        os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(START_LIMIT_S):
            while _api_server(self.directory) is not None:
                await asyncio.sleep(0.02)

    async def start_api_server(self) -> None:
        """Start it again with what it was started with, and wait until it is ready; nothing where it runs."""
        if self.directory is not None and _api_server(self.directory) is None:
            await asyncio.to_thread(_start_again, self.directory)

    async def restart_api_server(self) -> None:
        """Stop it and start it again."""
        await self.stop_api_server()
        await self.start_api_server()


@contextmanager
def running() -> Iterator[ControlPlane]:
    """The control plane that the environment names, or a new one; it ends however this program does."""
    named = os.environ.get("WVA_TEST_KUBECONFIG")
    if named:
        yield ControlPlane(Path(named), None)
        return
    programs = _programs()
    with tempfile.TemporaryDirectory(prefix="wva-k8s-") as folder:
        directory = Path(folder)
        (directory / "bin").symlink_to(programs)
        with _stopped_afterwards(directory):
            _start(directory)
            yield ControlPlane(directory / "kubeconfig", directory)


@contextmanager
def shared(directory: Path) -> Iterator[ControlPlane]:
    """One for all processes that name the same directory: the first starts it, and stays until the last has left."""
    place, own = directory / "control-plane", directory / f"control-plane/user-{os.getpid()}"
    with ExitStack() as stack:
        with _locked(directory / "control-plane.lock"):
            first = not _users(place)
            found = stack.enter_context(running()) if first else _found(place)
            if first:
                place.mkdir(exist_ok=True)
                (place / "kubeconfig").write_text(str(found.kubeconfig))
            own.touch()
        try:
            yield found
        finally:
            own.unlink()
            while first and _users(place):
                time.sleep(0.2)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _users(place: Path) -> list[Path]:
    """Who uses it and lives."""
    return [file for file in place.glob("user-*") if Path(f"/proc/{file.name.partition('-')[2]}").exists()]


def _found(place: Path) -> ControlPlane:
    kubeconfig = Path((place / "kubeconfig").read_text())
    named = os.environ.get("WVA_TEST_KUBECONFIG")
    return ControlPlane(kubeconfig, None if named else kubeconfig.parent)


def _programs() -> Path:
    """Where the programs are; skips the test, or fails it where it must run, where they are not."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    named = os.environ.get("KUBEBUILDER_ASSETS")
    places = (Path(named),) if named else (cache / "wva-k8s/bin",)
    missing = "shared/k8s beside the project" if not SCRIPTS.is_dir() else None
    for place in places:
        lacking = [name for name in PROGRAMS if not os.access(place / name, os.X_OK)]
        if not lacking and missing is None:
            return place.resolve()
        missing = missing or f"{', '.join(lacking)} in {place}"
    reason = (
        f"no control plane: there is no {missing}; build it with ../shared/k8s/build.sh {cache / 'wva-k8s'}, name the "
        "folder of its programs in KUBEBUILDER_ASSETS, or any cluster in WVA_TEST_KUBECONFIG"
    )
    if os.environ.get("WVA_CI_KUBERNETES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def _stopped_afterwards(directory: Path) -> Iterator[None]:
    """A shell that waits for this program's end, its killing included, and stops the programs then."""
    killed = f"kill -KILL $(cat '{directory}/run/{API_SERVER}.pid') 2>/dev/null"
    stop = f"K8S_DIR='{directory}' '{SCRIPTS}/stop.sh' >/dev/null; rm -rf '{directory}'"
    with subprocess.Popen(
        ["sh", "-c", f"cat >/dev/null; {killed}; {stop}"], stdin=subprocess.PIPE, start_new_session=True
    ) as guard:
        assert guard.stdin is not None
        try:
            yield
        finally:
            guard.stdin.close()
            guard.wait()


def _start(directory: Path) -> None:
    ports = dict(zip(PORTS, map(str, _free_ports(len(PORTS))), strict=True))
    environment = {**os.environ, **SETTINGS, **ports, "K8S_DIR": str(directory)}
    # The programs stay, so their output goes to files: a pipe would be waited for until they end.
    with (directory / "start.log").open("w+") as log:
        done = subprocess.run(
            [SCRIPTS / "start.sh"], env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False,
            timeout=START_LIMIT_S,
        )  # fmt: skip
        log.seek(0)
        assert done.returncode == 0, log.read()
    arguments = Path(f"/proc/{_api_server(directory)}/cmdline").read_bytes()
    (directory / "run/arguments").write_bytes(arguments)


def _start_again(directory: Path) -> None:
    arguments = (directory / "run/arguments").read_bytes().decode().rstrip("\0").split("\0")
    until = time.monotonic() + START_LIMIT_S
    while not _is_ready(directory, arguments):
        assert time.monotonic() < until, (directory / f"log/{API_SERVER}.log").read_text()[-2000:]
        # It ends at once where its port is not free.
        if _api_server(directory) is None:
            _launch(directory, arguments)
        time.sleep(0.1)


def _launch(directory: Path, arguments: list[str]) -> None:
    output = f"'{directory}/log/{API_SERVER}.log'"
    script = f'setsid "$@" >>{output} 2>&1 </dev/null & echo $! >"{directory}/run/{API_SERVER}.pid"'
    subprocess.run(["sh", "-c", script, "sh", *arguments], check=True, stdin=subprocess.DEVNULL)


def _is_ready(directory: Path, arguments: list[str]) -> bool:
    port = next(text.partition("=")[2] for text in arguments if text.startswith("--secure-port="))
    pki = directory / "pki"
    keys = ("--cacert", str(pki / "ca.crt"), "--cert", str(pki / "admin.crt"), "--key", str(pki / "admin.key"))
    asked = ["curl", "-sf", "--max-time", "5", *keys, f"https://127.0.0.1:{port}/readyz"]
    return subprocess.run(asked, check=False, stdout=subprocess.DEVNULL).returncode == 0


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, and that the system gives to no connection before they are listened on."""
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(*LISTENED)
        with socket.socket() as tried, suppress(OSError):
            tried.bind(("127.0.0.1", port))
            found += [] if port in found else [port]
    return found


def _api_server(directory: Path) -> int | None:
    """Its process id; ``None`` where it does not run."""
    pid = int((directory / "run" / f"{API_SERVER}.pid").read_text())
    with suppress(FileNotFoundError, ProcessLookupError):
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        # One that was killed has its port until the last of its threads has gone.
        if state != "Z" or len(os.listdir(f"/proc/{pid}/task")) > 1:
            return pid
    return None
