"""The loop: a mock is held to the contract that it was made from, by judges that did not make it.

Schemathesis, all of its phases, asks the running mock through a socket; openapi-core judges every exchange
once more. For every document of the corpus and every contract shipped, remembering and forgetting.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.checks.http_properties import run
from harness.contract import load_system
from harness.contract.model import Contract, Operation, System
from harness.driving.property_models import holds_itself_in_many_ways
from harness.findings import CouldNotTell, Finding
from harness.serving.foreign_tokens import asks_for_ours
from harness.serving.keys import KeyStore
from harness.serving.recording import Recorder
from harness.target import Capability, Limits, Target
from mocks.conduct import Conduct
from mocks.mock import build_mock
from tests.conftest import ROOT
from tests.corpus.exceptions import BY_EVENTS, ENDLESS, TOO_LARGE, UNTOLD, beyond, excepted, takes_long
from tests.corpus.exchanges import Exchange, origin_of
from tests.corpus.test_openapi import CORPUS, OBJECTS_IN_TEXT, UNSATISFIABLE, documents, json_types, spread
from tests.e2e.openapi_judge import Judge, read
from tests.unit.serving.live import served

SHIPPED = sorted((ROOT / "contracts").glob("*/openapi.yaml"))
FILES = [*SHIPPED, *documents()]
OPERATIONS, CASES, BOUNDARIES = 3, 1, 0.3
"""In CI: operations of a document, generated cases and share of the boundary values of each. ``--unbounded``
takes all, and more cases."""
SHORT = 120.0
"""Seconds for a document with models that Schemathesis would not come to an end with: see ``ENDLESS``."""

REMEMBERING: frozenset[Capability] = frozenset({"state", "idempotency"})


def named(file: Path) -> str:
    return str(file.relative_to(CORPUS if file.is_relative_to(CORPUS) else ROOT))


def some(every: list[Operation], remembers: bool) -> list[Operation]:
    """Neighbours, where one may find what another made; else some from everywhere."""
    return every[:OPERATIONS] if remembers else spread(every, OPERATIONS)


@pytest.mark.filterwarnings(
    "ignore:.*allowEmptyValue:DeprecationWarning"
)  # by the contract, openapi-core says
@pytest.mark.filterwarnings(r"ignore:.* (is|are) deprecated:DeprecationWarning")
@pytest.mark.timeout(900)
@pytest.mark.parametrize("remembers", [True, False], ids=["stateful", "stateless"])
@pytest.mark.parametrize("file", FILES, ids=named)
def test_nothing_is_wrong_with_a_mock(
    file: Path, remembers: bool, unbounded: bool, tmp_path: Path, keys: KeyStore
) -> None:
    if not unbounded and named(file) in TOO_LARGE:
        pytest.skip(f"--unbounded takes it: {TOO_LARGE[named(file)]}")
    if not unbounded and remembers and file in SHIPPED:
        pytest.skip("--unbounded takes it: in CI, tests/e2e/test_verify.py does the same and more")
    whole = load_system(file.parent.parent if file in SHIPPED else file)
    contract = whole.contracts[file.parent.name] if file in SHIPPED else next(iter(whole.contracts.values()))
    tried = [each for each in contract.operations.values() if (named(file), each.id) not in UNSATISFIABLE]
    if not unbounded:
        tried = some([each for each in tried if not takes_long(named(file), each)], remembers)
    endless = {each.id for each in tried if holds_itself_in_many_ways(each)}
    recorder = Recorder(tmp_path / "exchanges.jsonl")
    mock = build_mock(contract, keys=keys, recorder=recorder, conduct=Conduct(state=remembers))
    with served([mock]) as addresses:
        url, control = addresses.services[contract.service], addresses.control[contract.service]
        capabilities = REMEMBERING if remembers else frozenset[Capability]()
        if asks_for_ours(contract):
            capabilities |= {"access"}
        target = Target(contract.service, url, "mock", capabilities, control=control, tokens=keys.mint)
        limits = Limits(cases=10) if unbounded else Limits(cases=CASES, boundaries=BOUNDARIES)
        if endless:
            limits = replace(limits, budget=SHORT)
        part = replace(contract, operations={each.id: each for each in tried})
        system = replace(whole, contracts={**whole.contracts, contract.service: part})
        wrong = list(told(named(file), contract, system, target, limits, endless))
    recorder.close()
    wrong += judged(file, contract, url, read(recorder.path))
    assert not wrong, "\n".join(wrong)


def told(
    name: str, contract: Contract, system: System, target: Target, limits: Limits, endless: set[str]
) -> Iterator[str]:
    """What Schemathesis says, but for what stands in the table."""
    for each in run(system, target, limits):
        if isinstance(each, Finding):
            operation = contract.operations.get(each.operation)
            if not excepted(name, each, operation):
                yield f"{each.operation}: {each.title}: {each.received}; {each.documented}\n{each.reproduce}"
        elif isinstance(each, CouldNotTell) and not is_known(name, each, endless):
            yield f"{each.operation}: could not tell: {each.reason}"


def is_known(name: str, untold: CouldNotTell, endless: set[str]) -> bool:
    if untold.operation in endless and ENDLESS in untold.reason:
        return True
    return (name, untold.operation) in BY_EVENTS or any(known in untold.reason for known in UNTOLD)


def judged(file: Path, contract: Contract, url: str, exchanges: list[Exchange]) -> Iterator[str]:
    """What openapi-core says, as if the first server of the contract had been asked."""
    objects = {
        (each.method, each.path)
        for each in contract.operations.values()
        if (named(file), each.id) in OBJECTS_IN_TEXT
    }
    judges = {
        in_text: Judge(file, json_types(contract), refusals=True, json_in_text=in_text)
        for in_text in {False, bool(objects)}
    }
    origin = origin_of(contract) or url
    for each in exchanges:
        if beyond(each):
            continue
        judge = judges[(each["method"], each["path"]) in objects]
        yield from judge.disagreements([{**each, "url": origin + each["url"].removeprefix(url)}])


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyStore:
    return KeyStore(tmp_path_factory.mktemp("keys"))
