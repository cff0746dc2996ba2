"""AsyncAPI documents that other people wrote: read, or refused for a reason; judged as officially.

The official schemas miss dangling references, messages that an operation's channel does not list, and
examples that break their schema; on those alone may our verdict be stricter.
"""

from __future__ import annotations

import functools
import json
import os
import random
import shutil
from collections import Counter
from pathlib import Path

import jsonschema_rs
import pytest

from harness.contract import load_system
from harness.contract.documents import Document, Documents, read_yaml
from harness.contract.model import JSON
from harness.contract.node import Node
from harness.errors import ContractError
from harness.lint import lint
from harness.lint.asyncapi_structure import faults_of
from tests.conftest import ROOT
from tests.corpus.mutations import mutated

SHARED = Path(os.environ.get("CONTRACT_CORPUS", ROOT.parent / "shared" / "corpus"))
CORPUS, SPECS = SHARED / "asyncapi", SHARED.parent / "specs"
MUTATIONS = 300
VERSIONS = {"2": [f"2.{minor}.0" for minor in range(7)], "3": ["3.0.0", "3.1.0"]}

REMOTE, FRAGMENT = "leads to another machine", "this is neither"
REFUSED = {
    "adeo-kafka-request-reply-asyncapi.yml": REMOTE,
    "user-signedup-asyncapi-3.0-avro-absolute-ref.yaml": REMOTE,
    "user-signedup-cloudevents-binary.yaml": REMOTE,
    "user-signedup-cloudevents-structured.yaml": REMOTE,
    "messages.yaml": FRAGMENT,
    "parameters.yaml": FRAGMENT,
    "schemas.yaml": FRAGMENT,
    "servers.yaml": FRAGMENT,
    "user-signedup-commons.yaml": FRAGMENT,
    "user-signedup-schemas.yaml": FRAGMENT,
    "user-signedup.json": FRAGMENT,
}
"""Why documents are refused: a host that is not asked, no contract."""

pytestmark = pytest.mark.skipif(
    not CORPUS.is_dir(), reason=f"there is no corpus at {CORPUS}: CONTRACT_CORPUS"
)

FILES = sorted(path for path in CORPUS.rglob("*") if path.suffix in (".yaml", ".yml", ".json"))


@functools.cache
def official(version: str) -> jsonschema_rs.Draft7Validator:
    schema = json.loads((SPECS / f"asyncapi-{version}.json").read_text(encoding="utf-8"))
    return jsonschema_rs.Draft7Validator(schema, offline=True)


@functools.cache
def documents() -> tuple[tuple[Path, JSON], ...]:
    trees = ((path, read_yaml(path)) for path in FILES)
    return tuple((path, tree) for path, tree in trees if "asyncapi" in tree)


def of_form(tree: JSON) -> bool:
    """Whether a document has the form of its version, by our tables."""
    opened = Documents()
    root = opened.add(Document("file:///mutated.yaml", Path("/mutated.yaml"), "mutated.yaml", tree, {}))
    return not any(fault.sure for fault in faults_of(Node.at(opened, root)))


@pytest.mark.parametrize(
    "path", FILES, ids=lambda path: path.name if path.stem != "asyncapi" else path.parent.name
)
def test_every_document_is_read_or_refused_for_a_true_reason(path: Path) -> None:
    reason = REFUSED.get(path.name)
    if reason is None:
        (contract,) = load_system(path).contracts.values()
        assert contract.message_operations
        assert all(each.messages for each in contract.message_operations.values())
    else:
        with pytest.raises(ContractError, match=reason):
            load_system(path)


def test_there_is_a_document_behind_every_refusal() -> None:
    assert set(REFUSED) <= {path.name for path in FILES}


@pytest.mark.parametrize("path", [path for path in FILES if REFUSED.get(path.name) != FRAGMENT], ids=str)
def test_every_document_is_judged_as_officially(path: Path) -> None:
    tree = read_yaml(path)
    assert of_form(tree) == official(tree["asyncapi"]).is_valid(tree)


def _verdict(path: Path) -> tuple[bool, set[str]]:
    """What ``portal lint`` says: whether all is well, and which rules, or the reader, say that it is not."""
    try:
        found = [each.check for each in lint(load_system(path)) if each.severity == "error"]
    except ContractError as error:
        return False, {error.found}
    return not found, set(found)


def _ours_to_find(reasons: set[str]) -> bool:
    """Whether all that we object to are the three things that the official schemas miss."""
    reading = (
        "leads nowhere",
        "leads to no schema",
        "leads in a circle",
        "cannot be read",
        "does not list",
        REMOTE,
    )
    rules = ("lint/example", "lint/reference", "lint/operation-message")
    return all(reason in rules or any(each in reason for each in reading) for reason in reasons)


def test_mutated_documents_are_judged_as_officially(tmp_path: Path) -> None:
    shutil.copytree(CORPUS, tmp_path, dirs_exist_ok=True, copy_function=shutil.copyfile)
    chance = random.Random(31)  # noqa: S311  # repeatable, not secret
    verdicts = Counter[tuple[bool, bool]]()
    for _ in range(MUTATIONS):
        origin, tree = chance.choice(documents())
        changed, where = mutated(tree, chance)
        path = (tmp_path / origin.relative_to(CORPUS)).with_name("mutated.json")
        path.write_text(json.dumps(changed), encoding="utf-8")
        right = official(tree["asyncapi"]).is_valid(changed)
        ours, reasons = _verdict(path)
        assert ours == right or (right and _ours_to_find(reasons)), (origin.name, where, right, reasons)
        verdicts[right, ours] += 1
    assert verdicts[True, True] > 20
    assert verdicts[False, False] > 150


def test_mutated_documents_have_the_form_of_every_version(unbounded: bool) -> None:
    """Our tables against the official schemas alone, the version changed as well."""
    chance = random.Random(7)  # noqa: S311  # repeatable, not secret
    verdicts = Counter[bool]()
    for _ in range(10_000 if unbounded else 400):
        origin, tree = chance.choice(documents())
        tree = {**tree, "asyncapi": chance.choice(VERSIONS[tree["asyncapi"][0]])}
        changed, where = mutated(tree, chance)
        right = official(tree["asyncapi"]).is_valid(changed)
        assert of_form(changed) == right, (origin.name, tree["asyncapi"], where)
        verdicts[right] += 1
    assert min(verdicts.values()) > 60
