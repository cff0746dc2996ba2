"""Signals end a command between two things, not in the middle of one that cannot be undone."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator

import pytest

from harness.cli.ending import Ended, end_on_signals

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture
def handlers() -> Iterator[None]:
    """Those of the test run come back; before that, none of ours is there."""
    before = {each: signal.signal(each, signal.SIG_DFL) for each in ENDING}
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


@pytest.mark.usefixtures("handlers")
def test_the_search_for_a_temporary_folder_is_not_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python makes a file there to try it: a signal just then would leave it behind."""
    done: list[str] = []

    def found() -> str:
        os.kill(os.getpid(), signal.SIGHUP)
        done.append("the file is gone again")
        return "/tmp"  # noqa: S108 - nothing is written there

    monkeypatch.setattr(tempfile, "gettempdir", found)
    with pytest.raises(Ended) as ended:
        end_on_signals()
    assert ended.value.number == signal.SIGHUP
    assert done, "the signal came in between"


@pytest.mark.usefixtures("handlers")
def test_the_folder_is_known_from_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)
    end_on_signals()
    assert tempfile.tempdir is not None
