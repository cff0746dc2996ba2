"""PostgreSQL for tests: the one at ``PORTAL_DATABASE``, else one of our own by the programs found here."""

from __future__ import annotations

import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
import pytest
from sqlalchemy.engine import URL, make_url

from harness.errors import ProcessError
from harness.processes import Child
from tests.conftest import ROOT
from tests.kafka.apache import free_ports

START_SECONDS = 60.0
STOP_SECONDS = 30.0
_DEBIAN = "usr/lib/postgresql/*/bin"
_USER = "postgres"
_LOOK_EVERY = 0.02


def programs() -> Path | None:
    """The folder with ``postgres`` and ``initdb``; None without.

    ``PORTAL_POSTGRES_BIN``, else the path's, else the newest of Debian's.
    """
    if named := os.environ.get("PORTAL_POSTGRES_BIN"):
        return Path(named) if _complete(Path(named)) else None
    on_path = shutil.which("initdb")
    if on_path is not None and _complete(Path(on_path).resolve().parent):
        return Path(on_path).resolve().parent
    found = [each for each in Path("/").glob(_DEBIAN) if _complete(each)]
    return max(found, key=lambda each: int(re.sub(r"\D", "", each.parent.name) or 0), default=None)


def _complete(folder: Path) -> bool:
    return all((folder / name).exists() for name in ("initdb", "postgres"))


def obstacle() -> str | None:
    """Why there is no PostgreSQL for tests, as a phrase; None if nothing is in the way."""
    if os.environ.get("PORTAL_DATABASE"):
        return None
    if programs() is None:
        return "PORTAL_DATABASE names no server, and there is no initdb here to make one with"
    if os.geteuid() == 0 and not (_known(_USER) and shutil.which("setpriv")):
        return f"root may not run PostgreSQL, and there is no user '{_USER}', or no setpriv to become it"
    return None


def skip_where_it_cannot_be_had() -> None:
    """Skip the test with the reason, or fail it if ``PORTAL_REQUIRE_POSTGRES`` is set."""
    if reason := obstacle():
        if os.environ.get("PORTAL_REQUIRE_POSTGRES"):
            pytest.fail(f"PORTAL_REQUIRE_POSTGRES is set, but {reason}")
        pytest.skip(reason)


class Server:
    """A server, whoever started it, in which tests make databases of their own."""

    def __init__(self, url: URL) -> None:
        self.url = url.set(drivername="postgresql")

    def run(self, statement: str, url: URL | None = None) -> list[tuple[object, ...]]:
        """One statement, as the user of the URL, outside of a transaction; its rows."""
        with psycopg.connect(text_of(url or self.url), autocommit=True) as connection:
            done = connection.execute(statement.encode())
            return done.fetchall() if done.description else []

    @property
    def version(self) -> int:
        """Its major version."""
        [(number,)] = self.run("SHOW server_version_num")
        return int(str(number)) // 10_000

    @contextmanager
    def database(self) -> Iterator[URL]:
        """A fresh database; it goes with the block, whoever is still connected."""
        name = f"portal_test_{uuid.uuid4().hex[:12]}"
        self.run(f"CREATE DATABASE {name}")
        try:
            yield self.url.set(database=name)
        finally:
            self.run(f"DROP DATABASE {name} WITH (FORCE)")
            for (role,) in self.run("SELECT rolname FROM pg_roles"):
                if str(role).startswith(f"portal_{name}"):
                    self.run(f'DROP ROLE "{role}"')


def text_of(url: URL) -> str:
    """As the command line and psycopg take it."""
    return url.render_as_string(hide_password=False)


class OwnServer(Server):
    """A server of our own for as long as the context lasts, or until our process is gone, however it ends.

    In between it may be ended or killed and started again on the same data and address. Its texts sort as
    English does unless a column says otherwise: whoever counts on the order of bytes finds out.
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="portal-postgres-", ignore_cleanup_errors=True)
        self.folder = Path(self._folder.name)
        self._data = self.folder / "data"
        self._child: Child | None = None
        (port,) = free_ports(1)
        super().__init__(
            URL.create("postgresql", "portal", secrets.token_hex(8), "127.0.0.1", port, "postgres")
        )

    def __enter__(self) -> Self:
        try:
            self._make()
            self.start()
        except BaseException:
            self._folder.cleanup()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end(signal.SIGQUIT)
        self._folder.cleanup()

    def start(self) -> None:
        """Start it and wait until it answers."""
        tied = [sys.executable, "-m", "tests.kafka.tied", str(self.folder)]
        said = {
            "listen_addresses": str(self.url.host),
            "port": str(self.url.port),
            "unix_socket_directories": "",
            "fsync": "off",  # it is killed, but this machine stays up
        }
        options = [part for name, value in said.items() for part in ("-c", f"{name}={value}")]
        argv = [*tied, *_as_user(), f"{_bin()}/postgres", "-D", str(self._data), *options]
        self._child = Child.start(argv, env={"PYTHONPATH": str(ROOT)}, name="postgres")
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.run("SELECT 1")
                return
            except psycopg.OperationalError as error:
                if not self._child.alive or time.monotonic() > deadline:
                    raise ProcessError("PostgreSQL", f"it does not answer: {self._child.output}") from error
            time.sleep(_LOOK_EVERY)

    def end(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT cuts connections and ends it in good order; SIGQUIT at once: its next start recovers."""
        if self._child is None or not self._child.alive:
            return
        os.kill(self.pid, how)
        deadline = time.monotonic() + STOP_SECONDS
        while self._child.alive and time.monotonic() < deadline:
            time.sleep(_LOOK_EVERY)
        self._child.stop()

    @property
    def pid(self) -> int:
        """The server's first process."""
        return int((self._data / "postmaster.pid").read_text().split()[0])

    def _make(self) -> None:
        password = self.folder / "password"
        password.write_text(str(self.url.password))
        if os.geteuid() == 0:
            owner = pwd.getpwnam(_USER)
            for path in (self.folder, password):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        icu = ["--locale-provider=icu", "--icu-locale=en-US"] if _major() >= 15 else []
        command = [
            *_as_user(), f"{_bin()}/initdb", "-D", str(self._data), "--username", str(self.url.username),
            "--pwfile", str(password), "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", *icu,
            "--no-sync",
        ]  # fmt: skip
        done = subprocess.run(
            command, cwd="/", capture_output=True, text=True, timeout=START_SECONDS, check=False
        )
        if done.returncode:
            raise ProcessError("PostgreSQL", f"its storage could not be made: {done.stderr.strip()}")


def _as_user() -> list[str]:
    """PostgreSQL refuses to be run by root."""
    return ["setpriv", f"--reuid={_USER}", f"--regid={_USER}", "--init-groups"] if os.geteuid() == 0 else []


def _bin() -> Path:
    found = programs()
    if found is None:
        raise ProcessError("PostgreSQL", "there is no initdb here")
    return found


def _major() -> int:
    told = subprocess.run(
        [f"{_bin()}/postgres", "--version"], capture_output=True, text=True, timeout=30, check=False
    )
    found = re.search(r"(\d+)", told.stdout)
    return int(found[1]) if found else 0


def _known(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def named() -> Server | None:
    """The one at ``PORTAL_DATABASE``: a URL whose user may make databases and roles."""
    url = os.environ.get("PORTAL_DATABASE")
    return Server(make_url(url)) if url else None
