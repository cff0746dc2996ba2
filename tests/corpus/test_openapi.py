"""Other people's OpenAPI documents: each reads and starts as a mock, and every operation of it answers a
request made from its own examples with what it documents. openapi-core judges that, independently."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import httpx
import pytest

from harness.contract import load
from harness.contract.model import Contract, Operation
from harness.contract.styles import is_json
from mocks.mock import build_mock
from tests.conftest import ROOT
from tests.corpus.exchanges import Exchange, exchanges
from tests.e2e.openapi_judge import Judge
from tests.unit.mocks.running import running

CORPUS = Path(os.environ.get("CONTRACT_CORPUS", ROOT.parent / "shared" / "corpus"))
MARK = re.compile(r"^ *[\"']?openapi[\"']?: ", re.MULTILINE)
BOUND = 6
"""Operations of one document in CI: evenly spread. ``--unbounded`` takes all."""

REFUSED: dict[str, str] = {}
"""Document → the true reason for which it is not read. None is refused."""

UNSATISFIABLE = {
    ("arazzo/1.0.0/bnpl-openapi.yaml", "createCustomer"): (
        "no request keeps it: allOf asks for a property that its other half excludes"
    ),
}
"""Operations that refuse every request, and why; what they document for that is the answer."""

OBJECTS_IN_TEXT = {
    ("openapi/openehr/definition.yaml", "definition_template_adl2_upload"): (
        "the schema of its text/plain is an object"
    ),
}
"""Operations whose answer openapi-core reads as JSON, and why."""


def documents() -> list[Path]:
    files = sorted(CORPUS.rglob("*.yaml")) if CORPUS.is_dir() else []
    return [each for each in files if MARK.search(each.read_text(encoding="utf-8"))]


def named(file: Path) -> str:
    return str(file.relative_to(CORPUS))


pytestmark = pytest.mark.skipif(not documents(), reason=f"there is no corpus at {CORPUS}: CONTRACT_CORPUS")


def spread(operations: Sequence[Operation], most: int) -> list[Operation]:
    step = max(1, -(-len(operations) // most))
    return list(operations[::step])


def json_types(contract: Contract) -> set[str]:
    contents = [each.content for o in contract.operations.values() for each in o.responses.values()]
    contents += [each.body.content for each in contract.operations.values() if each.body]
    return {name for content in contents for name in content if is_json(name)}


def wrong_with(exchange: Exchange | str, judge: Judge, operation: Operation, good: bool) -> list[str]:
    """Why this is no documented answer to a good request, or to one that nothing can make good."""
    if isinstance(exchange, str):
        return [exchange]
    documented, refused = operation.response_for(exchange["status"]), exchange["status"] >= 400
    remembered = exchange["response_headers"].get("x-portal-matched") == "state"
    known = remembered or not (good and operation.successes)  # there is no such thing yet; all is refused
    if documented is None or (refused and not known) or not (refused or good):
        return [f"{exchange['status']}: {exchange['response_body'][:500]}"]
    if refused and good:
        return []
    kind = exchange["response_headers"].get("content-type", "")
    if "xml" in kind:
        try:  # openapi-core reads XML in a way of its own
            ElementTree.fromstring(exchange["response_body"])
        except ElementTree.ParseError as error:
            return [f"the answer is no XML: {error}"]
        return []
    return judge.disagreements([exchange])


@pytest.mark.filterwarnings(r"ignore:.* (is|are) deprecated:DeprecationWarning")  # by the contract, it says
@pytest.mark.parametrize("file", documents(), ids=named)
def test_every_operation_answers_as_it_documents(file: Path, unbounded: bool) -> None:
    contract = load(file)
    in_text = named(file) in {name for name, _ in OBJECTS_IN_TEXT}
    judges = {each: Judge(file, json_types(contract), json_in_text=each) for each in {False, in_text}}
    operations = spread(list(contract.operations.values()), 10_000 if unbounded else BOUND)
    found = {}
    with running([build_mock(contract)]) as urls, httpx.Client(trust_env=False) as client:
        (url,) = urls.values()
        for operation, exchange in exchanges(contract, operations, url, client):
            place = (named(file), operation.id)
            judge = judges[place in OBJECTS_IN_TEXT]
            if wrong := wrong_with(exchange, judge, operation, place not in UNSATISFIABLE):
                found[operation.id] = wrong
    assert not found


def test_none_is_refused_for_a_reason_that_is_not_written_down() -> None:
    for file in documents():
        load(file)
    assert not REFUSED
