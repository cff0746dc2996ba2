"""What is written in Python, one a process: ``python -m tests.benchmarks.peers.python_servers``."""

from __future__ import annotations

import asyncio
import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import uvicorn
import uvloop

from harness.serving.protocol import connections
from harness.serving.server import bind
from tests.benchmarks.peers.bench import HOST
from tests.benchmarks.peers.document import CONTRACT, example

JSON = {"Content-Type": "application/json"}
"""Where an operation documents several, stock Connexion answers 500 unless it is told which."""

READ, LIST = "/coverage/{coverageId}", "/patients/{patientId}/coverage"


def bare(folder: Path) -> Any:
    """What uvicorn alone can do: no routing, no checks; the contract's two examples are its answers."""
    document = json.loads((folder / "coverage.json").read_text())
    read, made = example(document, READ, "get", "200"), example(document, LIST, "post", "201")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        status, answer = 200, read
        if scope["method"] == "POST":
            orjson.loads((await receive())["body"])
            status, answer = 201, made
        body = orjson.dumps(answer)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


def accepted(token: str) -> dict[str, Any]:
    """Stock Connexion wants a function that knows every token's scopes."""
    return {"sub": "anybody", "scope": ["patient/Coverage.read", "patient/Coverage.write"]}


def stock(folder: Path) -> Any:
    """Connexion as it comes, with functions that answer the contract's examples."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import connexion

    document = json.loads((folder / "coverage-3.0.json").read_text())
    read, made = example(document, READ, "get", "200"), example(document, LIST, "post", "201")

    async def get_coverage(**_: Any) -> Any:
        return read, 200, JSON

    async def add_coverage(**_: Any) -> Any:
        return made, 201, JSON

    async def nothing(**_: Any) -> Any:
        return "", 503

    functions = {"getCoverage": get_coverage, "addCoverage": add_coverage}
    document["components"]["securitySchemes"]["portal"]["x-tokenInfoFunc"] = f"{__name__}.accepted"
    resolver = connexion.Resolver(lambda name: functions.get(name, nothing))
    app = connexion.AsyncApp("peers", resolver=resolver, strict_validation=True)
    app.add_api(document)
    return app


def handlers(_: Path) -> Any:
    """What our services stand on, with functions that answer the contract's examples."""
    from harness.contract import load
    from harness.serving.app import build_app
    from harness.serving.exchange import Answer, Request
    from harness.serving.keys import KeyStore

    contract = load(CONTRACT)

    def answering(operation: str) -> Any:
        documented = contract.operations[operation].responses
        status = min(documented)
        value = documented[status].content["application/json"].examples[0].value

        async def answer(request: Request) -> Answer:
            return Answer(int(status), value)

        return answer

    return build_app(
        contract, {each: answering(each) for each in contract.operations}, KeyStore().authenticator()
    )


def reference(_: Path) -> Any:
    """The coverage reference service, which keeps what it is told on SQLite."""
    from harness.contract import load
    from harness.serving.keys import KeyStore
    from reference_services.platform.service import build_service

    service = build_service(load(CONTRACT), None, KeyStore())
    service.start()
    return service.app


BUILDERS: dict[str, Callable[[Path], Any]] = {
    "bare": bare,
    "stock": stock,
    "handlers": handlers,
    "reference": reference,
}


def main(name: str, port: int, folder: Path) -> None:
    """Serve until terminated; the folder is the bench's."""
    app = BUILDERS[name](folder)
    held = bind(HOST, port, name)
    http: Any = "httptools" if name in ("bare", "stock") else connections()
    lifespan: Any = "off" if name == "bare" else "on"
    config = uvicorn.Config(
        app, http=http, ws="none", lifespan=lifespan, log_config=None, access_log=False, server_header=False
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(uvicorn.Server(config).serve(sockets=[held]))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
