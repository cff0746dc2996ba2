"""Where reference services keep their data: forgotten files, a folder of files, or a PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.cli.data import held
from harness.errors import UsageError

_SERVICE = "{service}"


@dataclass(frozen=True, slots=True)
class Databases:
    """What ``--data``, ``--database-url`` and ``--one-database`` said."""

    folder: Path | None = None
    url: str | None = None
    one: bool = False

    def of(self, service: str) -> tuple[str | None, str | None]:
        """URL and schema of a service's; None for a file that is forgotten at exit, and for no schema."""
        if self.url is not None:
            name = re.sub(r"[^a-z0-9_]", "_", service.lower())
            return self.url.replace(_SERVICE, name), name if self.one else None
        return None if self.folder is None else f"sqlite:///{self.folder.resolve() / service}.db", None

    def check(self, services: Sequence[str]) -> None:
        """Raises UsageError where the options contradict each other, or these services would meet."""
        option, example = "--database-url", "e.g. --database-url postgresql://user@host/database"
        if self.url is None:
            if self.one:
                raise UsageError("--one-database", "no database is named", example)
            return
        if self.folder is not None:
            raise UsageError(option, "--data names a place for the same things", "one of the two")
        parted = _SERVICE in self.url
        if self.one and parted:
            raise UsageError(
                "--one-database", f"{option} names a database for each service", f"a URL without {_SERVICE}"
            )
        if not (self.one or parted) and len(services) > 1:
            raise UsageError(
                option,
                f"{len(services)} services cannot keep their data in one place: {', '.join(services)}",
                f"{_SERVICE} in the URL, which stands for each one's name, hyphens as underscores",
                "Or say --one-database: each then has a schema of its own in it",
            )

    @contextmanager
    def held(self, services: Sequence[str], kafka: str) -> Iterator[None]:
        """They are ours for as long as the context is open, or ours among others that share our broker.

        See ``data.held``. Raises UsageError.
        """
        self.check(services)
        with held(self.folder, kafka), ExitStack() as stack:
            urls = dict.fromkeys(self.of(each)[0] for each in services) if self.url is not None else ()
            for url in urls:
                from reference_services.platform.engine import in_use

                if not stack.enter_context(in_use(str(url), alone=kafka == "embedded")):
                    raise UsageError(
                        "--database-url",
                        "another process works on this database, and the two do not share a broker",
                        "one process a database, or replicas that all have the same --kafka HOST:PORT",
                        "End the other one, name another database, or run portal kafka and join it",
                    )
            yield
