"""What runs on Java: WireMock and MockServer from Maven Central, Specmatic from its package on PyPI."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from harness.errors import ProcessError
from tests.benchmarks.peers.asked import COVERAGE, PATIENT
from tests.benchmarks.peers.bench import HOST, Bench, Running, free_port
from tests.benchmarks.peers.document import example
from tests.fetched import from_maven, from_pypi, java_of

WIREMOCK, MOCKSERVER, SPECMATIC = "3.13.2", "7.6.0", "2.55.3"

WIREMOCK_TUNED = (
    "--no-request-journal",
    "--disable-request-logging",
    "--async-response-enabled=true",
    "--async-response-threads=16",
    "--container-threads=32",
    "--jetty-acceptor-threads=1",
)
"""As its documentation advises for load: no journal, answers written by threads of their own."""


def java(least: int, who: str) -> str:
    """A Java that is new enough, or a ProcessError that says that there is none."""
    found = java_of(least)
    if found is None:
        raise ProcessError(who, f"it needs Java {least}, and there is none here")
    return found


@contextlib.contextmanager
def wiremock(bench: Bench, options: Sequence[str] = (), stubs: Sequence[Any] = ()) -> Iterator[Running]:
    """It reads no OpenAPI: its stubs are written by hand from the contract's examples and schema."""
    program = java(11, "WireMock")
    jars = from_maven(f"wiremock-{WIREMOCK}", f"WireMock {WIREMOCK}", _WIREMOCK)
    port = free_port()
    root = bench.folder / f"wiremock-{port}"
    (root / "mappings").mkdir(parents=True)
    for number, stub in enumerate([*by_hand(bench), *stubs]):
        (root / "mappings" / f"{number}.json").write_text(json.dumps(stub), encoding="utf-8")
    listen = ["--port", str(port), "--bind-address", HOST, "--disable-banner", "--root-dir", str(root)]
    argv = [program, "-cp", f"{jars}/*", "wiremock.Run", *listen, *options]
    base = f"http://{HOST}:{port}"
    note = "stubs by hand, the body held to the contract's schema"
    with bench.child(argv, f"{base}/__admin/mappings"):
        yield Running(f"{base}/v1", WIREMOCK, note, f"{base}/__admin")


_WIREMOCK = f"org.wiremock:wiremock-standalone:{WIREMOCK}"


def by_hand(bench: Bench) -> Iterator[Any]:
    """WireMock's stubs for the two requests, with the contract's own schema for the body."""
    paths = "/coverage/{coverageId}", "/patients/{patientId}/coverage"
    token = {"Authorization": {"matches": "Bearer .+"}}
    schemas = bench.document["components"]["schemas"]
    schema = {"$ref": "#/components/schemas/CoverageRequest", "components": {"schemas": schemas}}
    for method, url, path, status, body in (
        ("GET", f"/v1/coverage/{COVERAGE}", paths[0], 200, None),
        ("POST", f"/v1/patients/{PATIENT}/coverage", paths[1], 201, schema),
    ):
        held = [{"matchesJsonSchema": body, "schemaVersion": "V202012"}] if body else []
        asked = {"method": method, "urlPath": url, "headers": token, "bodyPatterns": held}
        value = example(bench.document, path, method.lower(), str(status))
        answer = {"status": status, "headers": {"Content-Type": "application/json"}, "jsonBody": value}
        yield {"request": asked, "response": answer}


@contextlib.contextmanager
def mockserver(bench: Bench, level: str = "INFO", options: Sequence[str] = ()) -> Iterator[Running]:
    """Started on the bundled contract."""
    program = java(17, "MockServer")
    artifact = f"org.mock-server:mockserver-netty:{MOCKSERVER}"
    jars = from_maven(f"mockserver-{MOCKSERVER}", f"MockServer {MOCKSERVER}", artifact)
    port = free_port()
    settings = [f"-Dmockserver.logLevel={level}", f"-Dmockserver.localBoundIP={HOST}"]
    said = [f"--openapi={bench.contract}", "-p", str(port), *options]
    argv = [program, *settings, "-cp", f"{jars}/*", "org.mockserver.cli.Main", "run", *said]
    base = f"http://{HOST}:{port}"
    with bench.child(argv, f"{base}/v1/coverage/{COVERAGE}"):
        yield Running(f"{base}/v1", MOCKSERVER, f"log level {level}", f"{base}/mockserver")


@contextlib.contextmanager
def specmatic(bench: Bench, options: Sequence[str] = ()) -> Iterator[Running]:
    """Started on the bundled contract."""
    program = java(17, "Specmatic")
    wheel = from_pypi(f"specmatic-{SPECMATIC}", f"Specmatic {SPECMATIC}", f"specmatic=={SPECMATIC}")
    port = free_port()
    jar = str(wheel / "specmatic" / "core" / "specmatic.jar")
    listen = ["--host", HOST, "--port", str(port)]
    argv = [program, "-jar", jar, "mock", str(bench.contract), *listen, *options]
    base = f"http://{HOST}:{port}"
    with bench.child(argv, base):
        yield Running(base, SPECMATIC, "base path left out: it serves no relative one", f"{base}/_specmatic")
