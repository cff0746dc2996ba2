"""Starting children that end with us, and ending them cleanly.

The tie between parent and child is the child's standard input: a pipe of which only the parent holds the
other end. However the parent ends, SIGKILL included, the operating system closes it, and the child, which
called ``end_with_parent``, ends too.

A child tells that it is ready by writing a JSON document to its ready file (``write_ready``).
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from harness.errors import ProcessError

TIED = "PORTAL_TIED_TO_PARENT"
"""Set in a child whose standard input is the tie to its parent."""

_KEPT_LINES = 200
_KEPT_WIDTH = 2000
_SHOWN_LINES = 12
_LOOK_EVERY = 0.01


class Child:
    """A running child in a process group of its own; as a context manager it is stopped. See ``start``."""

    def __init__(
        self,
        argv: Sequence[str],
        env: Mapping[str, str] | None = None,
        name: str | None = None,
        descriptors: Sequence[int] = (),
        heard: Callable[[str], None] = lambda _: None,
    ) -> None:
        """``descriptors`` of ours are open in the child as well; ``heard`` gets each line that it writes."""
        self.name = name or (Path(argv[0]).name if len(argv) == 1 else " ".join(argv[1:4]))
        self.ready: Mapping[str, Any] = {}
        self._output: deque[str] = deque(maxlen=_KEPT_LINES)
        self._heard = heard
        try:
            self._process = subprocess.Popen(
                list(argv),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {}), TIED: "1"},
                start_new_session=True,
                pass_fds=tuple(descriptors),
            )
        except OSError as error:
            raise ProcessError(argv[0], f"it could not be started: {error.strerror or error}") from error
        stdout = self._process.stdout
        assert stdout is not None  # noqa: S101 - asked for above; for the type checker
        self._reader = threading.Thread(target=self._keep, args=(stdout,), daemon=True)
        self._reader.start()

    @classmethod
    def start(
        cls,
        argv: Sequence[str],
        ready_file: Path | None = None,
        timeout: float = 30.0,
        env: Mapping[str, str] | None = None,
        name: str | None = None,
    ) -> Self:
        """Start ``argv`` and wait (seconds) until it has written its ready file, if one is named.

        ``env`` is added to our own environment. ``name`` is what errors call it. The document is kept in
        ``.ready``. Raises ProcessError if the child dies first or is too slow; nothing of it is left running
        then.
        """
        child = cls(argv, env, name)
        if ready_file is None:
            return child
        try:
            child.await_ready(ready_file, timeout)
        except BaseException:
            child.stop(grace=1.0)
            raise
        return child

    def await_ready(self, ready_file: Path, timeout: float) -> None:
        """Wait (seconds) for its ready file. Raises ProcessError if it dies first or is too slow."""
        self.ready = self._wait_ready(ready_file, timeout)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative if a signal ended it."""
        return self._process.poll()

    @property
    def output(self) -> str:
        """The last lines of what it wrote to standard output and standard error."""
        return "\n".join(self._output)

    def stop(self, grace: float = 5.0) -> int:
        """SIGTERM, after ``grace`` seconds SIGKILL, to its process group. Returns the exit code."""
        if self._process.returncode is None:
            self._signal(signal.SIGTERM)
            self._await_exit(grace)
            # Always: members of its group may have outlived it. It is not reaped yet, so the group's number
            # cannot belong to anybody else.
            self._signal(signal.SIGKILL)
        code = self._process.wait()
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        self._reader.join(timeout=1.0)
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _wait_ready(self, ready_file: Path, timeout: float) -> Mapping[str, Any]:
        deadline = time.monotonic() + timeout
        while True:
            ended = not self.alive  # before looking: a child may write its file and end
            document = _read_ready(ready_file)
            if document is not None:
                return document
            if ended:
                self._reader.join(timeout=1.0)
                raise ProcessError(self.name, f"it {self.ending('before it was ready')}")
            if time.monotonic() > deadline:
                raise ProcessError(
                    self.name,
                    f"it was not ready within {timeout:g} s{self._shown()}",
                    remedy="Look at its output above, or allow it more time",
                )
            time.sleep(_LOOK_EVERY)

    def ending(self, when: str) -> str:
        """How a child that has ended did so, when in the caller's words, and the last lines that it wrote."""
        code = self._process.returncode
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        return f"ended {how} {when}{self._shown()}"

    def _shown(self) -> str:
        lines = list(self._output)[-_SHOWN_LINES:]
        return f"; its last lines: {' | '.join(lines)}" if lines else "; it wrote nothing"

    def _keep(self, stream: IO[bytes]) -> None:
        with stream:
            for line in iter(lambda: stream.readline(_KEPT_WIDTH), b""):
                if text := line.decode(errors="replace").rstrip():
                    self._output.append(text)
                    self._heard(text)

    def _signal(self, number: signal.Signals) -> None:
        # EPERM: macOS says so when only a zombie is left in the group.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def _await_exit(self, seconds: float) -> None:
        """Wait until it has exited, without reaping it."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None:
                return
            time.sleep(_LOOK_EVERY)


def write_ready(ready_file: Path, document: Mapping[str, Any]) -> None:
    """Write ``document`` as JSON so that whoever waits for the file never sees half of it."""
    handle, name = tempfile.mkstemp(dir=ready_file.parent, prefix=f".{ready_file.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(document, file)
        temporary.chmod(0o644)
        temporary.replace(ready_file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _read_ready(ready_file: Path) -> Mapping[str, Any] | None:
    try:
        document = json.loads(ready_file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):  # not there, or written by somebody who does not rename
        return None
    return document if isinstance(document, dict) else None


def end_with_parent(on_end: Callable[[], None] | None = None, grace: float = 10.0) -> bool:
    """Called in a child: end when the parent does. Returns whether we are tied to one.

    ``on_end`` asks us to end, the default is SIGTERM to ourselves; after ``grace`` seconds we are ended
    regardless. Does nothing in a process that ``Child`` did not start.
    """
    if os.environ.pop(TIED, None) is None:  # popped: what we start ourselves is tied to us, or to nobody
        return False
    watch = threading.Thread(
        target=_watch_parent, args=(on_end or _terminate_self, grace), name="tie to parent", daemon=True
    )
    watch.start()
    return True


def _watch_parent(on_end: Callable[[], None], grace: float) -> None:
    # The bare descriptor: a buffered reader would hold its lock while the interpreter shuts down.
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    try:
        on_end()
    finally:
        time.sleep(grace)
        os._exit(1)  # without a word: what we would write to is gone with the parent


def _terminate_self() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
