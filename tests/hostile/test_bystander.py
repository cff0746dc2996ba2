"""The bystander sees what a service does to it, and leaves out what the machine does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.hostile.bystander import Bystander
from tests.kafka.until import until

SLOW = 0.5

_SERVICE = """
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

class Slow(BaseHTTPRequestHandler):
    def do_GET(self):
        DOING
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_):
        pass

server = HTTPServer(("127.0.0.1", 0), Slow)
print(server.server_port, flush=True)
server.serve_forever()
"""


_SLEEPS = f"time.sleep({SLOW})"
_COMPUTES = f"""ends = time.process_time() + {SLOW}
        while time.process_time() < ends: pass"""


@contextmanager
def _slow(doing: str) -> Iterator[Bystander]:
    """A bystander of a service that spends its time so."""
    code = _SERVICE.replace("DOING", doing)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as service:
        try:
            assert service.stdout is not None
            port = int(service.stdout.readline())
            with Bystander(("127.0.0.1", port), "none", service.pid) as watch:
                yield watch
        finally:
            service.kill()


@pytest.mark.parametrize("doing", [_SLEEPS, _COMPUTES], ids=["sleeps", "computes"])
def test_a_service_that_sleeps_or_computes_has_kept_it_waiting(doing: str) -> None:
    with _slow(doing) as watch:
        assert until(lambda: watch.since(0).asked >= 3)
        served = watch.since(0)
    assert served.failed == 0
    assert served.worst >= SLOW * 0.9
