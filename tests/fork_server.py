"""Runs `server.py` in forks of one process that has already imported it.

Importing the application takes about a second of CPU, a fork ten milliseconds. A fork is a process
like any other: with a pid, signals, standard streams, an environment and an exit code of its own.
"""

import atexit
import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[1]
# Everything that a command of server.py imports. The fork server must not start a thread.
MODULES = (
    *("serving.cli", "serving.process", "graph.endpoints.graphql", "models.sample_data"),
    *("models.embedded.server", "models.database.waiting"),
)
Request = tuple[list[str], dict[str, str], list[int]]


class ForkedProcess:
    """A process that runs `server.py`: what the tests use of `subprocess.Popen`, in text mode."""

    def __init__(
        self, args: Sequence[str], pid: int, status: int, stdout: IO[str], stderr: IO[str]
    ) -> None:
        self.args = list(args)
        self.pid = pid
        self.returncode: int | None = None
        self.stdout = stdout
        self.stderr = stderr
        self._status = status

    def poll(self) -> int | None:
        """Return the exit code, negative after a signal; None while the process runs."""
        return self._read_status(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the exit code. Raises subprocess.TimeoutExpired."""
        code = self._read_status(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return code

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait for the end; the rest of both streams. Raises subprocess.TimeoutExpired."""
        texts = ["", ""]

        def read(index: int, stream: IO[str]) -> None:
            texts[index] = stream.read()

        readers = [
            threading.Thread(target=read, args=(index, stream), daemon=True)
            for index, stream in enumerate((self.stdout, self.stderr))
        ]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(timeout)
        if any(reader.is_alive() for reader in readers):
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        self.wait(timeout)
        self.stdout.close()
        self.stderr.close()
        return texts[0], texts[1]

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _read_status(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._status], [], [], timeout)[0]:
            self.returncode = os.waitstatus_to_exitcode(int(os.read(self._status, 20) or b"9"))
            os.close(self._status)
        return self.returncode


Process = ForkedProcess | subprocess.Popen[str]


class ForkServer:
    """The process that forks. It ends with this process."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fork_server", str(theirs.fileno())],
            cwd=ROOT,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
        )
        theirs.close()

    def start(self, arguments: Sequence[str], environment: Mapping[str, str]) -> ForkedProcess:
        """Run `server.py` with these arguments in this environment."""
        out, their_out = os.pipe()
        err, their_err = os.pipe()
        status, their_status = os.pipe()
        ignored = [n for n in signal.valid_signals() if signal.getsignal(n) == signal.SIG_IGN]
        request: Request = [*arguments], {**environment}, [int(number) for number in ignored]
        text = json.dumps(request).encode()
        self._socket.sendall(len(text).to_bytes(8, "big"))
        socket.send_fds(self._socket, [text], [their_out, their_err, their_status])
        for number in (their_out, their_err, their_status):
            os.close(number)
        pid = int.from_bytes(self._socket.recv(8, socket.MSG_WAITALL), "big")
        return ForkedProcess(arguments, pid, status, os.fdopen(out), os.fdopen(err))

    def close(self) -> None:
        self._socket.close()
        self._process.wait()


_started: list[ForkServer] = []


def start(arguments: Sequence[str], environment: Mapping[str, str]) -> Process:
    """Run `server.py` by the fork server of this process, which starts at the first call.

    Runs it by an interpreter of its own where the system has no pidfd, or where the environment
    has a variable for the interpreter.
    """
    own = any(name.startswith("PYTHON") for name in environment.keys() - os.environ.keys())
    if own or not hasattr(os, "pidfd_open"):
        return subprocess.Popen(
            [sys.executable, "server.py", *arguments],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    if not _started:
        _started.append(ForkServer())
        atexit.register(_started[0].close)
    return _started[0].start(arguments, environment)


# ---------------------------------------------------------------- within the fork server


def receive(control: socket.socket) -> tuple[Request, list[int]] | None:
    """Return the next request and its descriptors; None once the tests have ended."""
    length = control.recv(8, socket.MSG_WAITALL)
    if not length:
        return None
    wanted, text, descriptors = int.from_bytes(length, "big"), b"", []
    while len(text) < wanted:
        part, found, _, _ = socket.recv_fds(control, wanted - len(text), 3)
        text += part
        descriptors += found
    arguments, environment, ignored = json.loads(text)
    return (arguments, environment, ignored), descriptors


def become(request: Request, descriptors: list[int]) -> None:
    """Turn a fork into the requested process, up to the first line of server.py."""
    arguments, environment, ignored = request
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(descriptors[0], 1)
    os.dup2(descriptors[1], 2)
    os.closerange(3, 1_000)
    sys.stdin = sys.__stdin__ = os.fdopen(0, closefd=False)  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = os.fdopen(1, "w", closefd=False)  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = os.fdopen(2, "w", 1, errors="backslashreplace", closefd=False)  # type: ignore[misc]
    for number in ignored:
        with suppress(OSError):
            signal.signal(number, signal.SIG_IGN)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["server.py", *arguments]


def serve(control: socket.socket) -> bool:
    """Fork for each request. True in a fork; False once the tests have ended."""
    poller, statuses = select.poll(), dict[int, tuple[int, int]]()
    poller.register(control, select.POLLIN)
    while True:
        for ready, _ in poller.poll():
            if ready in statuses:
                pid, status = statuses.pop(ready)
                _, code = os.waitpid(pid, 0)
                with suppress(BrokenPipeError):
                    os.write(status, str(code).encode())
                for number in (ready, status):
                    os.close(number)
                poller.unregister(ready)
                continue
            received = receive(control)
            if received is None:
                return False
            request, descriptors = received
            pid = os.fork()
            if pid == 0:
                become(request, descriptors)
                return True
            for number in descriptors[:2]:
                os.close(number)
            watched = os.pidfd_open(pid)
            statuses[watched] = pid, descriptors[2]
            poller.register(watched, select.POLLIN)
            control.sendall(pid.to_bytes(8, "big"))


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    for name in MODULES:
        import_module(name)
    gc.collect()
    gc.freeze()
    if serve(control):
        control.detach()
        runpy.run_path(str(ROOT / "server.py"), run_name="__main__")


if __name__ == "__main__":
    main()
