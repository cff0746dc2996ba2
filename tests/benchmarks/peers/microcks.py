"""Microcks, from Maven Central, on a MongoDB in memory that is had there too."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import httpx

from harness.errors import ProcessError
from tests.benchmarks.peers.bench import HOST, Bench, Running, client, free_port
from tests.benchmarks.peers.java_servers import java
from tests.fetched import from_maven

VERSION, MONGO = "1.11.0", "1.46.0"
"""Microcks' latest release of which all artifacts are on Maven Central; newer ones are container images."""

MONGO_PORT = 27017
"""Where the MongoDB in memory listens; it takes no other."""


@contextlib.contextmanager
def microcks(bench: Bench) -> Iterator[Running]:
    """Its validating face of the contract, which is uploaded as it starts."""
    program = java(21, "Microcks")
    jars = from_maven(
        f"microcks-{VERSION}", f"Microcks {VERSION}", f"io.github.microcks:microcks-app:{VERSION}"
    )
    mongo = from_maven(f"mongo-java-{MONGO}", "a MongoDB", f"de.bwaldvogel:mongo-java-server:{MONGO}")
    port, grpc = free_port(), free_port()
    server = [program, "-cp", f"{mongo}/*", "de.bwaldvogel.mongo.InMemoryMongoServer"]
    where = [f"--server.port={port}", f"--server.address={HOST}", f"--grpc.server.port={grpc}"]
    app = [program, "-cp", f"{jars}/*", "io.github.microcks.MicrocksApplication", *where]
    env = {
        "KEYCLOAK_ENABLED": "false",
        "SPRING_DATA_MONGODB_URI": f"mongodb://{HOST}:{MONGO_PORT}/microcks",
    }
    base = f"http://{HOST}:{port}"
    with bench.child(server, f"tcp://{HOST}:{MONGO_PORT}"), bench.child(app, f"{base}/api/health", env):
        named = upload(base, bench.contract)
        face = f"{base}/rest-valid/{named.replace(':', '/')}"
        note = f"MongoDB in memory (mongo-java-server {MONGO}) on the same core"
        yield Running(face, VERSION, note, base)


def upload(base: str, file: Path) -> str:
    """Give it an artifact; its name and version, with a colon between."""
    with client(base) as to, file.open("rb") as content:
        answer: httpx.Response = to.post(
            "/api/artifact/upload", params={"mainArtifact": "true"}, files={"file": (file.name, content)}
        )
    if answer.status_code != 201:
        raise ProcessError("Microcks", f"it does not take {file.name}: {answer.status_code} {answer.text}")
    return answer.text
