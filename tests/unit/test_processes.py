"""Children: ready when they say so, told apart from dead ones, ended with all they started."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import ProcessError
from harness.processes import TIED, Child, end_with_parent, write_ready

READY = "import sys; from pathlib import Path; from harness.processes import *; "
TIED_CHILD = (
    READY + "end_with_parent(); write_ready(Path(sys.argv[1]), {'url': 'x'}); import time; time.sleep(60)"
)


def python(code: str, *arguments: object) -> list[str]:
    return [sys.executable, "-c", code, *map(str, arguments)]


def until(condition: Callable[[], object], within: float = 10.0) -> bool:
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def runs(pid: int) -> bool:
    """Whether a process runs; one that has ended but was not collected by its parent does not."""
    try:
        os.kill(pid, 0)
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except ProcessLookupError:
        return False
    except FileNotFoundError:
        return not Path("/proc/self/stat").exists()
    return status.rpartition(")")[2].split()[0] != "Z"


def test_a_child_is_ready_when_it_says_so(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    with Child.start(python(TIED_CHILD, ready), ready) as child:
        assert child.ready == {"url": "x"}
        assert child.alive
        assert child.exit_code is None
    assert child.exit_code == -signal.SIGTERM


def test_half_a_ready_file_is_waited_out(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    ready.write_text('{"url": "ha', encoding="utf-8")
    code = READY + "import time; time.sleep(0.2); Path(sys.argv[1]).write_text('{\"a\": 1}'); time.sleep(60)"
    with Child.start(python(code, ready), ready) as child:
        assert child.ready == {"a": 1}


def test_a_child_that_dies_first_is_quoted(tmp_path: Path) -> None:
    said = "print('starting', flush=True); print('no such contract', file=sys.stderr)"
    code = f"import sys; {said}; sys.exit(3)"
    with pytest.raises(ProcessError, match=r"ended with exit code 3 .*starting \| no such contract"):
        Child.start(python(code), tmp_path / "ready.json")


def test_a_child_killed_first_is_said_so(tmp_path: Path) -> None:
    code = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    with pytest.raises(ProcessError, match="ended by signal 9 before it was ready; it wrote nothing"):
        Child.start(python(code), tmp_path / "ready.json")


def test_a_child_that_is_too_slow_is_ended(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    code = (
        "import os, sys, time, pathlib as p; p.Path(sys.argv[1]).write_text(str(os.getpid())); time.sleep(60)"
    )
    with pytest.raises(ProcessError, match=r"not ready within 0\.5 s"):
        Child.start(python(code, pid_file), tmp_path / "ready.json", timeout=0.5)
    assert not pid_file.exists() or not runs(int(pid_file.read_text(encoding="utf-8")))


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(ProcessError, match="/no/such/program: it could not be started: No such file"):
        Child.start(["/no/such/program"])


def test_a_child_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    code = READY + (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "write_ready(Path(sys.argv[1]), {}); time.sleep(60)"
    )
    child = Child.start(python(code, ready), ready)
    assert child.stop(grace=0.2) == -signal.SIGKILL


def test_what_a_child_left_in_its_group_goes_too(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    code = READY + (
        f"import subprocess, time; p = subprocess.Popen([sys.executable, '-c', {stubborn!r}], "
        "stdout=subprocess.PIPE); p.stdout.readline(); "
        "write_ready(Path(sys.argv[1]), {'pid': p.pid}); time.sleep(60)"
    )
    child = Child.start(python(code, ready), ready)
    grandchild = int(child.ready["pid"])
    assert runs(grandchild)
    child.stop()
    assert until(lambda: not runs(grandchild))


def test_stopping_twice_is_no_harm(tmp_path: Path) -> None:
    child = Child.start(python("import sys; sys.exit(4)"))
    assert until(lambda: not child.alive)
    assert child.stop() == 4
    assert child.stop() == 4


def test_output_is_kept_but_bounded() -> None:
    child = Child.start(python("print('x' * 9000); [print('line', n) for n in range(2000)]"))
    assert until(lambda: not child.alive)
    child.stop()
    lines = child.output.splitlines()
    assert lines[-1] == "line 1999"
    assert len(lines) <= 200
    assert max(map(len, lines)) <= 2000


def test_settings_are_added_to_the_environment(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    code = READY + (
        "import os; end_with_parent(); "
        "write_ready(Path(sys.argv[1]), {'a': os.environ['A'], 'path': 'PATH' in os.environ, "
        f"'tied': os.environ.get('{TIED}')}}); import time; time.sleep(60)"
    )
    with Child.start(python(code, ready), ready, env={"A": "1"}) as child:
        assert child.ready == {"a": "1", "path": True, "tied": None}


PARENT = """
import sys, time
from pathlib import Path
from harness.processes import Child
child = Child.start([sys.executable, "-c", sys.argv[2], sys.argv[1]], Path(sys.argv[1]))
print(child.pid, flush=True)
time.sleep(60)
"""


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        python(PARENT, tmp_path / "ready.json", TIED_CHILD), stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert runs(pid)
        parent.kill()
    assert until(lambda: not runs(pid))


def test_a_child_that_will_not_end_is_ended(tmp_path: Path) -> None:
    stubborn = READY + (
        "end_with_parent(lambda: None, grace=0.2); write_ready(Path(sys.argv[1]), {}); "
        "import time; time.sleep(60)"
    )
    with subprocess.Popen(
        python(PARENT, tmp_path / "ready.json", stubborn), stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    assert until(lambda: not runs(pid))


def test_nobody_else_is_tied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TIED, raising=False)
    assert end_with_parent() is False


def test_a_ready_file_replaces_an_old_one_whole(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    ready.write_text("old", encoding="utf-8")
    write_ready(ready, {"services": {"a": "http://x"}})
    assert json.loads(ready.read_text(encoding="utf-8")) == {"services": {"a": "http://x"}}
    assert list(tmp_path.iterdir()) == [ready]
    with pytest.raises(TypeError):
        write_ready(ready, {"bad": object()})
    assert list(tmp_path.iterdir()) == [ready]
