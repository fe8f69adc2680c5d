"""Keeps one replica: runs its command, bounds its log, and leaves no process of it behind whatever becomes of ``wva``.

A program of its own, run as ``python -I -S keeper.py LOG BYTES COMMAND...`` in a session of its own, so that Ctrl-C in
a terminal reaches ``wva`` alone. Standard input is the line to ``wva``: when it ends, because ``wva`` closed it or died
in any way, every process of the replica is killed at once. SIGTERM is handed to the command alone, which knows how to
stop its own children; when it has ended, what it left is killed. The exit status is the command's, 128 + n where signal
n killed it.

On Linux the keeper adopts orphans below it (PR_SET_CHILD_SUBREAPER), so it finds children that made sessions of their
own, and the command dies with it should the keeper itself be killed (PR_SET_PDEATHSIG). Elsewhere it reaches the
command's process group only: a child that leaves it escapes.

Only the standard library, little of it, and nothing of ``wva``: it must start in no time and stay small.
"""

import ctypes
import errno
import os
import select
import signal
import sys
import time

LINUX = sys.platform == "linux"
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def main() -> int:
    """Run the command until it ends or the line does; return the exit status."""
    path, limit, command = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    libc = ctypes.CDLL(None) if LINUX else None
    if libc is not None:
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    awake, wake = os.pipe()
    for end in (awake, wake):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    asked: list[int] = []
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
    output, inlet = os.pipe()
    child = _spawn(command, inlet, libc)
    os.close(inlet)
    os.set_blocking(output, False)
    log = Log(path, limit)
    log.write(f"wva: starts: {' '.join(command)}\n".encode(errors="replace"))
    status = _keep(child, output, awake, asked, log)
    _kill_all(child)
    while _copy(output, log):
        pass
    return status


class Log:
    """A file of bounded size: at half of it, it becomes ``NAME.1`` and a new one begins.

    A full disk loses lines and stops no replica.
    """

    def __init__(self, path: str, limit: int) -> None:
        """Append to what is there."""
        self._path = path
        self._half = limit // 2
        self._file = -1
        self._open()

    def write(self, text: bytes) -> None:
        """Add text, cut at the bound."""
        try:
            if self._file < 0:
                self._open()
            if self._size + len(text) > self._half:
                os.replace(self._path, self._path + ".1")
                os.close(self._file)
                self._open()
            self._size += os.write(self._file, text[-self._half :])
        except OSError:
            pass

    def _open(self) -> None:
        try:
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            self._size = os.fstat(self._file).st_size
        except OSError:
            self._file, self._size = -1, 0


_USUAL = (signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)


def _spawn(command: list[str], output: int, libc: "ctypes.CDLL | None") -> int:
    """Start the command with nothing to read and its output in the pipe; return its process id."""
    keeper = os.getpid()
    # Held back until the child takes it by default: in between, this program's handler in the child would swallow it.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    child = os.fork()
    if child:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        return child
    try:
        if libc is not None:
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != keeper:
                os._exit(1)
        else:
            os.setpgid(0, 0)
        # What this program handles, what Python ignores, and what nohup and shells have what they start ignore.
        for number in _USUAL:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.execvp(command[0], command)
    except OSError as error:
        os.write(2, f"wva: cannot run {command[0]}: {error.strerror}\n".encode())
    finally:
        os._exit(127)


def _keep(child: int, output: int, awake: int, asked: list[int], log: Log) -> int:
    """Copy output and pass SIGTERM on until the command has ended or the line has; return the exit status."""
    poll = select.poll()
    for end in (0, output, awake):
        poll.register(end, select.POLLIN)
    while True:
        ready = {end for end, _ in poll.poll()}
        if 0 in ready and not os.read(0, 4096):
            return 128 + signal.SIGKILL
        if output in ready and _copy(output, log) == 0:
            poll.unregister(output)
        if awake in ready:
            os.read(awake, 4096)
            while asked:
                os.kill(child, asked.pop())
            status = _reap(child)
            if status is not None:
                return status


def _reap(child: int) -> int | None:
    """Take in every process that has ended; return the exit status of the command if it is among them."""
    status = None
    while True:
        try:
            ended, code = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return status
        if not ended:
            return status
        if ended == child:
            number = os.waitstatus_to_exitcode(code)
            status = number if number >= 0 else 128 - number


def _copy(output: int, log: Log) -> int | None:
    """Move some of what the pipe holds to the log; return its bytes, 0 at the end, None where nothing is there now."""
    try:
        text = os.read(output, 65536)
    except BlockingIOError:
        return None
    if text:
        log.write(text)
    return len(text)


def _kill_all(child: int) -> None:
    """Kill every process of the replica, and return when none is left."""
    if not LINUX:
        try:
            os.killpg(child, signal.SIGKILL)
        except OSError as error:
            if error.errno not in (errno.ESRCH, errno.EPERM):
                raise
    while True:
        for process in _descendants() if LINUX else ():
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                continue
        try:
            if not os.waitpid(-1, os.WNOHANG)[0]:
                time.sleep(0.005)
        except ChildProcessError:
            return


def _descendants() -> list[int]:
    """The processes below this one, whatever group or session they are in."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    # The name in parentheses may hold spaces and parentheses; the parent is the second field after it.
                    parent = int(file.read().rpartition(b")")[2].split()[1])
            except (OSError, IndexError):
                continue
            children.setdefault(parent, []).append(int(name))
    found, ahead = [], [os.getpid()]
    while ahead:
        below = children.get(ahead.pop(), [])
        found += below
        ahead += below
    return found


if __name__ == "__main__":
    sys.exit(main())
