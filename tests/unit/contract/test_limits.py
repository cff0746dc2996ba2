"""Documents that are made to hurt: each is read or refused within 5 s and 500 MiB, never with a traceback.

All are read in one process of their own, which tells what each cost. Seconds are of the processor, so that
other work on the machine does not count.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

DEEP = 5000
HEAD = "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths: {}\n"


def chain(link: str) -> str:
    """A chain of schemas, each of which refers to the next."""
    links = "".join(
        f"    A{n}: {link.replace('NEXT', f'#/components/schemas/A{n + 1}')}\n" for n in range(DEEP)
    )
    return f"{HEAD}components:\n  schemas:\n{links}    A{DEEP}: {{type: string, x-phi: true}}\n"


def schemas(written: str) -> str:
    return f"{HEAD}components: {{schemas: {written}}}\n"


def bomb(first: str, more: str) -> str:
    """Aliases of aliases of aliases; ``more`` is a line with N and, for the one before it, B."""
    lines = (more.replace("N", str(n)).replace("B", str(n - 1)) for n in range(1, 40))
    return "\n".join((HEAD + first, *lines))


CASES = {
    "a bomb of lists": (bomb("a0: &a0 [x, x]", "aN: &aN [*aB, *aB, *aB]"), "more than 600,000 nodes"),
    "a bomb of merges": (
        bomb("a0: &a0 {k: x}", "aN: &aN {<<: [*aB, *aB], bN: *aB, cN: *aB}"),
        "more than 600,000",
    ),
    "many nodes": (HEAD + "x:\n" + "- [1, 2, 3, 4, 5, 6, 7, 8, 9]\n" * 70_000, "more than 600,000 nodes"),
    "50 MB": (HEAD + "x: |\n" + ("  " + "y" * 97 + "\n") * 500_000, "larger than 32 MiB"),
    "deep YAML in brackets": (HEAD + "x: " + "[" * DEEP + "]" * DEEP, "nested deeper than 100"),
    "deep YAML by indentation": (
        HEAD + "".join(f"{' ' * level}a:\n" for level in range(DEEP)),
        "nested deeper than 100",
    ),
    "deep JSON": ('{"openapi": "3.1.0", "x": ' + "[" * DEEP + "]" * DEEP + "}", "nested deeper than 100"),
    "references in a row": (chain("{$ref: 'NEXT'}"), "in a circle, or too far"),
    "properties in a row": (chain("{properties: {n: {$ref: 'NEXT'}}}"), ""),
    "alternatives in a row": (chain("{oneOf: [{$ref: 'NEXT'}, {type: 'null'}]}"), ""),
    "what must hold together in a row": (
        chain("{allOf: [{$ref: 'NEXT'}]}"),
        "more than 500 schemas hold together",
    ),
    "references through references": (chain("{$ref: 'NEXT/properties/n'}"), "passes through fewer than 200"),
    "a loop": (
        schemas("{A: {$ref: '#/components/schemas/B'}, B: {$ref: '#/components/schemas/A'}}"),
        "in a circle",
    ),
    "a loop that grows": (
        schemas("{A: {$ref: '#/components/schemas/A/x'}}"),
        "passes through fewer than 200",
    ),
    "itself as a schema": (schemas("{A: {$ref: 'it.yaml'}, B: {$ref: 'it.yaml#/components/schemas/A'}}"), ""),
    "itself as its components": (f"{HEAD}components: {{$ref: 'it.yaml#/components'}}\n", "in a circle"),
    "itself as a path": (f"{HEAD[:-3]}{{/a: {{$ref: 'it.yaml#/paths/~1a'}}}}\n", "in a circle"),
}

READER = """
import json, sys, time
from pathlib import Path
from harness.contract import load
from harness.contract.bundling import bundled
from harness.contract.documents import Documents, yaml_of
from harness.contract.node import Node
from harness.contract.schema import compile_schema, phi_properties
from harness.errors import ContractError
from tests.memory import peak

def all_of_it(path):
    contract = load(path)
    for schema in list(contract.schemas.values())[:1]:
        phi_properties(schema)
        compile_schema(schema, "request")

def bundle(path):
    documents = Documents()
    yaml_of(bundled(Node.at(documents, documents.open(path))))

found = {}
for folder in sorted(Path(sys.argv[1]).iterdir()):
    for work in (all_of_it, bundle):
        began, told = time.process_time(), ""
        try:
            work(folder / "it.yaml")
        except ContractError as error:
            told = str(error)
        except BaseException as error:
            told = "TRACEBACK " + type(error).__name__
        found[f"{folder.name}/{work.__name__}"] = [time.process_time() - began, told]
        if told:
            break
print(json.dumps([peak(), found]))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("hurting")
    for name, (text, _) in CASES.items():
        (folder / name).mkdir()
        (folder / name / "it.yaml").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", READER, str(folder)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", CASES)
def test_it_is_read_or_refused_in_good_time(told: Any, name: str) -> None:
    seconds, said = told[1][f"{name}/all_of_it"]
    assert CASES[name][1] in said and bool(CASES[name][1]) == bool(said)
    bundling, refused = told[1].get(f"{name}/bundle", (0, ""))
    assert refused == ""
    assert max(seconds, bundling) < 5


def test_none_of_them_takes_much_memory(told: Any) -> None:
    assert told[0] < 500
