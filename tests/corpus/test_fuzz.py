"""Whatever becomes of a document, the answer is a contract or a clear error: no traceback, no hang, no flood.

Documents of the corpus and our own are changed in their trees and in their texts, at least 2,000 times;
``--unbounded`` does it 30,000 times and takes the large ones as often as the small.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from harness.contract.documents import read_yaml
from harness.errors import ContractError
from tests.corpus.fuzz_bounds import MOST_SECONDS, Outcome, ReadingChild
from tests.corpus.fuzz_changes import Steps, mutated_text, mutated_tree, places

ROOT = Path(__file__).parents[2]
CORPUS = Path(os.environ.get("CONTRACT_CORPUS", ROOT.parent / "shared" / "corpus"))
CASES, FEWER, MORE = 2_000, 500, 30_000
"""With the corpus, without it (our own contracts are large, and few), and on demand."""

SMALL = 60_000
"""Bytes of a document that is read in a few hundredths of a second; larger ones come seldom in CI."""

_FORMATS = (b"openapi", b"swagger", b"asyncapi", b"arazzo")


@dataclass(frozen=True)
class Base:
    """A document in a folder of ours, with everything that it may refer to around it."""

    path: Path
    text: bytes
    tree: Any
    places: list[Steps]


@pytest.fixture(scope="session")
def bases(tmp_path_factory: pytest.TempPathFactory) -> list[Base]:
    folder = tmp_path_factory.mktemp("fuzz")
    shutil.copytree(ROOT / "contracts", folder / "contracts")
    if CORPUS.is_dir():
        shutil.copytree(CORPUS, folder / "corpus")
    found = []
    for path in sorted(folder.rglob("*")):
        if path.suffix not in (".yaml", ".yml", ".json") or path.stat().st_size > 250_000:
            continue
        text = path.read_bytes()
        if any(word in text[:3000] for word in _FORMATS):
            try:
                tree = read_yaml(path)
            except ContractError:
                continue
            found.append(Base(path, text, tree, list(places(tree))))
    return found


@pytest.fixture(scope="module")
def child() -> Iterator[ReadingChild]:
    with ReadingChild() as running:
        yield running


@cache
def _weights(sizes: tuple[int, ...], unbounded: bool) -> list[float]:
    return [1.0 if unbounded or size < SMALL else 0.03 for size in sizes]


def _outcome(base: Base, changed: bytes, child: ReadingChild) -> Outcome:
    base.path.write_bytes(changed)
    try:
        return child.read(base.path)
    finally:
        base.path.write_bytes(base.text)


@pytest.mark.timeout(3600)  # the child is held to its own bounds; unbounded it is half an hour
def test_whatever_becomes_of_a_document_the_answer_is_clear(
    bases: list[Base], child: ReadingChild, unbounded: bool
) -> None:
    weights = _weights(tuple(len(each.text) for each in bases), unbounded)
    results: dict[str, int] = {}
    cases = MORE if unbounded else CASES if CORPUS.is_dir() else FEWER

    @settings(
        max_examples=cases,
        deadline=None,
        derandomize=not unbounded,
        database=None,
        phases=(Phase.generate,),  # a seed says all: nothing becomes simpler by a smaller one
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(0, 2**48))
    def changed(seed: int) -> None:
        random = Random(seed)  # noqa: S311 - cases, not secrets
        base = random.choices(bases, weights)[0]
        if random.random() < 0.6:
            text = mutated_tree(base.tree, base.places, random, random.choice(bases).tree)
            new = text.encode("utf-8", "surrogatepass")
        else:
            new = mutated_text(base.text, random)
        outcome = _outcome(base, new, child)
        results[outcome.result] = results.get(outcome.result, 0) + 1
        assert not outcome.fault, f"{base.path.name}, seed {seed}: {outcome.fault}"

    changed()
    assert sum(results.values()) >= cases
    assert results["read"] > cases / 20  # or the changes would try no more than the parser
    assert results["refused"] > cases / 20


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)
HEAD = "openapi: 3.1.0\ninfo: {title: x, version: '1'}\n"
LOOP = HEAD + "paths: {$ref: '#/x'}\nx: {$ref: '#/y'}\ny: {$ref: '#/x'}\n"
ITSELF = HEAD + "paths: {/a: {$ref: 'itself.yaml#/paths/~1a'}}\n"
WHOLE = f"""\
{HEAD}paths: {{}}
components:
  schemas:
    A: {{$ref: 'whole.yaml'}}
    B: {{properties: {{b: {{$ref: 'whole.yaml#/components/schemas/B'}}}}}}
"""
MERGES = "a0: &a0 {b: c}\n" + "".join(
    f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}], c{n}: *a{n - 1}}}\n" for n in range(1, 12)
)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("bomb.yaml", f"openapi: 3.1.0\n{BOMB}", "its aliases expanded"),
        ("merges.yaml", MERGES, "its aliases expanded"),
        ("loop.yaml", LOOP, "circle"),
        ("itself.yaml", ITSELF, "circle"),
        ("nest.yaml", "a: " + "[" * 5000 + "]" * 5000, "nested deeper"),
        ("nest.json", "[" * 5000 + "]" * 5000, "nested deeper"),
        ("block.yaml", "\n".join(" " * n + "a:" for n in range(5000)), "nested deeper"),
        ("large.yaml", "a: b\n" * (50 * 2**20 // 5), "is larger than"),
        ("large.json", "[" + "1," * (25 * 2**20) + "1]", "is larger than"),
        ("wide.json", "[" + "1," * (12 * 2**20) + "1]", ""),
    ],
)
def test_a_hostile_document_gets_a_clear_error(
    tmp_path: Path, child: ReadingChild, name: str, text: str, said: str
) -> None:
    path = tmp_path / name
    path.write_text(text)
    outcome = child.read(path)
    assert not outcome.fault
    assert outcome.result == "refused"
    assert said in outcome.text


def test_a_contract_that_includes_itself_is_read(tmp_path: Path, child: ReadingChild) -> None:
    path = tmp_path / "whole.yaml"
    path.write_text(WHOLE)
    outcome = child.read(path)
    assert not outcome.fault
    assert outcome.seconds < MOST_SECONDS / 5
