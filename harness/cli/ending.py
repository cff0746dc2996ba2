"""How a command is ended from outside: signals, and readers of its output that go away."""

from __future__ import annotations

import contextlib
import signal
import tempfile
import threading
from types import FrameType
from typing import NoReturn

READER_GONE = 128 + 13
"""Exit code where whoever read our output has gone, as in ``portal … | head``: what SIGPIPE would give."""

_ENDING = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)  # SIGHUP: the terminal was closed; Windows has none


class Ended(BaseException):
    """A signal asks us to end. It unwinds everything that is open, on its way to ``main``.

    Not a KeyboardInterrupt: libraries catch that one and go on, and an ``eval`` that one passes through
    makes Python end with a signal of its own.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(signal.Signals(number).name)

    @property
    def exit_code(self) -> int:
        return 128 + self.number


def end_on_signals() -> None:
    """Let signals unwind us, but those that somebody told us to ignore (``nohup``, ``… &``).

    Raises Ended for one that comes meanwhile.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    heard: list[int] = []
    ours = [
        number
        for number in _ENDING
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler)
    ]
    for number in ours:
        signal.signal(number, lambda came, _: heard.append(came))
    # Python tries the temporary folder with a file, once, and would leave it there if it were interrupted.
    with contextlib.suppress(FileNotFoundError):  # whoever wants one will say so
        tempfile.gettempdir()
    for number in ours:
        signal.signal(number, _end)
    if heard:
        raise Ended(heard[0])


def _end(number: int, _: FrameType | None) -> NoReturn:
    raise Ended(number)
