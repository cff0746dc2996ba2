"""The shipped contract as other tools can read it: one document, and the same for a reader of OpenAPI 3.0."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.serving.keys import KeyStore
from tests.benchmarks.peers.asked import SERVICE
from tests.benchmarks.peers.bench import Bench, Cores
from tests.conftest import ROOT
from tests.e2e.portal import portal

CONTRACT = ROOT / "contracts" / SERVICE
SCOPES = " ".join(
    f"patient/{each}"
    for each in ("Coverage.read", "Coverage.write", "CoverageEligibilityResponse.read", "Appointment.write")
)
LIFETIME = 86_400
OLDER = (
    "3.0.3: unevaluatedProperties, const, null among types, schemas that are true or false, "
    "examples of schemas written as 3.0 has them"
)


@contextmanager
def bench(cores: Cores) -> Iterator[Bench]:
    """A folder with the contract in it, and a token for whoever checks tokens."""
    with tempfile.TemporaryDirectory(prefix="portal-peers-") as name:
        folder = Path(name)
        whole = bundled(CONTRACT / "openapi.yaml", folder / "coverage.json")
        document = json.loads(whole.read_text(encoding="utf-8"))
        older = folder / "coverage-3.0.json"
        older.write_text(json.dumps(downgraded(document)), encoding="utf-8")
        contract = bundled(CONTRACT / "openapi.yaml", folder / "coverage.yaml")
        token = KeyStore().mint({"actor": "staff", "scope": SCOPES}, LIFETIME)
        yield Bench(folder, contract, older, document, token, cores)


def bundled(source: Path, into: Path) -> Path:
    """What ``portal bundle`` makes of a contract."""
    done = portal("bundle", str(source), "--output", str(into))
    if done.code:
        raise RuntimeError(done.text)
    return into


def example(document: Any, path: str, method: str, status: str) -> Any:
    """The first example of an answer."""
    answer = document["paths"][path][method]["responses"][status]
    return next(iter(answer["content"]["application/json"]["examples"].values()))["value"]


def downgraded(document: Any) -> Any:
    """An OpenAPI 3.1 document as 3.0 says it, as far as the shipped contracts go."""
    tree = _schemas(document)
    info = {name: value for name, value in tree["info"].items() if name != "summary"}
    if "license" in info:
        info["license"] = {"name": info["license"]["name"]}
    return {**tree, "openapi": "3.0.3", "info": info}


def _schemas(node: Any) -> Any:
    if isinstance(node, list):
        return [_schemas(each) for each in node]
    if not isinstance(node, dict):
        return node
    if isinstance(node.get("$ref"), str):
        return {"$ref": node["$ref"]}
    made = {name: _schemas(value) for name, value in node.items()}
    if made.pop("unevaluatedProperties", None) is False:
        made["additionalProperties"] = False
    if isinstance(made.get("properties"), dict):
        made["properties"] = {
            name: {True: {}, False: {"not": {}}}[each] if isinstance(each, bool) else each
            for name, each in made["properties"].items()
        }
    if "const" in made:
        made["enum"] = [made.pop("const")]
    if isinstance(made.get("type"), list):
        types = [each for each in made["type"] if each != "null"]
        made |= {"type": types[0], "nullable": len(types) < len(made["type"])}
    if isinstance(made.get("examples"), list):
        made["example"] = made.pop("examples")[0]
    return made
