"""A contract that was read before is the same while nothing has changed; nothing foreign is believed."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.contract import cache, load, load_system
from harness.contract.later import NAMED, Later
from harness.contract.model import Contract
from harness.contract.schema import compile_schema
from harness.contract.sources import Sources
from harness.errors import ContractError
from tests.unit.contract.conftest import Write

ROOT = Path(__file__).parents[3]
CORPUS = Path(os.environ.get("CONTRACT_CORPUS", ROOT.parent / "shared" / "corpus"))
ANEW = Sources(keeps=False)

SHIPPED = [f"contracts/{name}" for name in ("coverage", "notifications", "scheduling")]
STRANGERS = [
    "openapi/nhs-booking-and-referral/booking-and-referral.yaml",  # of hundreds of files
    "openapi/openehr/ehr.yaml",  # of schemas that hold themselves
    "openapi/microcks/Petstore-webhooks-openapi.yaml",
    "asyncapi/asyncapi-spec/examples/social-media/backend/asyncapi.yaml",  # of several files
    "asyncapi/asyncapi-spec/examples/streetlights-kafka-asyncapi.yml",  # with traits
    "asyncapi/microcks/user-signedup-asyncapi-2.1.yaml",
    "asyncapi/microcks/user-signedup-asyncapi.json",
]


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache's folder, of this test alone."""
    monkeypatch.setenv("PORTAL_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("PORTAL_NO_CACHE", raising=False)
    return tmp_path / "cache/contracts"


@pytest.fixture
def no_parser(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def parsed(*_: Any, **__: Any) -> None:
        raise AssertionError("a file was parsed")

    with monkeypatch.context() as patched:
        patched.setattr("harness.contract.documents.yaml.parse", parsed)
        yield


def is_warm(contract: Contract) -> bool:
    return isinstance(contract.operations, Later)


def entry(kept: Path) -> Path:
    (only,) = kept.iterdir()
    return only


@pytest.mark.parametrize("name", SHIPPED)
def test_a_contract_read_again_is_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    same(Path(name))


@pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no corpus in {CORPUS}")
@pytest.mark.parametrize("name", STRANGERS)
def test_a_strangers_contract_read_again_is_the_same(name: str) -> None:
    same(CORPUS / name)


def same(path: Path) -> None:
    """Names, places, examples and all, and what schemas are compiled from."""
    first, second = load(path), load(path)
    assert (is_warm(first), is_warm(second)) == (False, True)
    assert second == first == load(path, ANEW)
    assert second.files == first.files
    assert list(second.documents) == list(first.documents)
    assert dict(second.documents) == dict(first.documents)


def test_nothing_is_parsed_the_second_time(folder: Path, request: pytest.FixtureRequest) -> None:
    first = load(folder / "tickets")
    request.getfixturevalue("no_parser")
    second = load(folder / "tickets")
    assert second.operations["openTicket"] == first.operations["openTicket"]


def test_nothing_is_built_the_second_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load(folder / "tickets")
    monkeypatch.setattr("harness.contract.system._read", None)
    assert load(folder / "tickets") == first


MODELS: dict[str, Any] = {
    "none": b"",
    "a list": b"[]",
    "deep": b"[" * 100_000,
    "without parts": b"{}",
    **{
        name: json.dumps({part: {"openTicket": packed} for part in NAMED}).encode()
        for name, packed in {
            "of nothing": [],
            "of a class that is none of the model": ["Popen", "true"],
            "of a class that is no part": ["Contract", "s"],
            "of too many fields": ["Operation", *"abcdefghijklmnopqrstuvwxyz"],
            "of a schema that stands nowhere": ["Schema", "file:///etc/passwd", "", ["Place", "", 1]],
        }.items()
    },
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_that_was_not_kept_here_is_built_anew(folder: Path, kept: Path, name: str) -> None:
    first, path = load(folder / "tickets"), entry(kept)
    head, _, body = path.read_bytes().partition(b"\n")
    changed = body[: -json.loads(head)["model"]] + MODELS[name]
    digest = hashlib.sha256(changed).hexdigest()
    path.write_bytes(_head(head + b"\n" + changed, model=len(MODELS[name]), digest=digest))
    second = load(folder / "tickets")
    assert is_warm(second)
    assert second == first


MADE = """
asyncapi: 2.6.0
info: {title: t, version: '1'}
channels:
  said:
    subscribe:
      operationId: tell
      message:
        oneOf:
          - {name: plain, payload: {type: object, required: [id]}, traits: [{headers: {type: object}}]}
          - name: avro
            contentType: application/json
            schemaFormat: application/vnd.apache.avro;version=1.9.0
            payload: {type: record, name: Said, fields: [{name: id, type: long}]}
"""


def test_what_was_made_of_other_documents_is_kept_with_them(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Traits merged, Avro as JSON Schema: their schemas stand in no file, and are compiled all the same."""
    write("said.yaml", MADE)
    first = load(tmp_path / "said.yaml")
    monkeypatch.setattr("harness.contract.system._read", None)
    second = load(tmp_path / "said.yaml")
    assert second == first
    for contract in (first, second):
        payloads = [each.payload for each in contract.message_operations["tell"].messages]
        judged = [
            [list(compile_schema(each).violations(v)) for v in ({"id": 1}, {})] for each in payloads if each
        ]
        assert [[bool(wrong) for wrong in each] for each in judged] == [[False, True]] * 2


def test_the_names_of_a_contract_are_known_before_it_is_read(folder: Path) -> None:
    names = list(load(folder / "tickets").operations)
    operations = load(folder / "tickets").operations
    assert (len(operations), list(operations), "openTicket" in operations, "x" in operations) == (
        len(names),
        names,
        True,
        False,
    )
    with pytest.raises(KeyError):
        operations["x"]


def test_a_file_alone_is_remembered_and_still_named_as_its_user_does(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    load_system("tickets/openapi.yaml")
    contract = load_system("tickets/openapi.yaml").contracts["tickets"]
    assert is_warm(contract)
    assert contract == load("tickets/openapi.yaml", ANEW)


def test_a_change_in_any_file_is_seen(folder: Path) -> None:
    load(folder / "tickets")
    mail = folder / "mail/asyncapi.yaml"  # which it refers to
    mail.write_text(mail.read_text().replace("portal.mail.answer.v1", "portal.mail.answer.v2"))
    changed = load(folder / "tickets")
    assert not is_warm(changed)
    assert changed.channels["mail"].address == "portal.mail.answer.v2"
    assert is_warm(load(folder / "tickets"))


def test_a_file_that_is_gone_or_leads_elsewhere_is_seen(folder: Path) -> None:
    load(folder / "tickets")
    mail, other = folder / "mail/asyncapi.yaml", folder / "other.yaml"
    other.write_text(mail.read_text().replace("v1", "v3"))
    mail.rename(folder / "mail/old.yaml")
    with pytest.raises(ContractError, match="cannot be read"):
        load(folder / "tickets")
    mail.symlink_to(other)
    assert load(folder / "tickets").channels["mail"].address == "portal.mail.answer.v3"


def test_a_further_file_of_the_service_is_seen(folder: Path) -> None:
    (folder / "tickets/asyncapi.yaml").rename(folder / "later.yaml")
    load(folder / "tickets")
    (folder / "later.yaml").rename(folder / "tickets/asyncapi.yaml")
    assert load(folder / "tickets").channels


def test_what_is_kept_is_for_its_owner_alone(folder: Path, kept: Path) -> None:
    before = os.umask(0)
    try:
        load(folder / "tickets")
    finally:
        os.umask(before)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o700
    assert stat.S_IMODE(entry(kept).stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o644, 0o622])
def test_what_others_may_read_or_write_is_not_believed(folder: Path, kept: Path, mode: int) -> None:
    load(folder / "tickets")
    entry(kept).chmod(mode)
    assert not is_warm(load(folder / "tickets"))


def test_a_link_in_place_of_a_file_is_not_followed(folder: Path, kept: Path, tmp_path: Path) -> None:
    load(folder / "tickets")
    entry(kept).rename(tmp_path / "elsewhere")
    kept.joinpath(next(iter([entry_name(folder)]))).symlink_to(tmp_path / "elsewhere")
    assert not is_warm(load(folder / "tickets"))


def entry_name(folder: Path) -> str:
    return cache._entry([folder / "tickets/openapi.yaml", folder / "tickets/asyncapi.yaml"]).name


def test_a_folder_that_others_may_write_to_takes_nothing(folder: Path, kept: Path) -> None:
    kept.mkdir(parents=True)
    kept.chmod(0o777)
    load(folder / "tickets")
    assert list(kept.iterdir()) == []


def _head(data: bytes, **changed: Any) -> bytes:
    head, _, body = data.partition(b"\n")
    return json.dumps({**json.loads(head), **changed}).encode() + b"\n" + body


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda data: b"",
    "half of it": lambda data: data[: len(data) // 2],
    "another byte": lambda data: data[:-9] + b"x" + data[-8:],
    "no JSON": lambda data: b"\x80" + data,
    "a list": lambda data: b"[]\n",
    "deep": lambda data: b"[" * 100_000 + b"\n",
    "another reader": lambda data: _head(data, reader="older"),
    "no facts": lambda data: _head(data, facts=None),
    "facts of another kind": lambda data: _head(data, facts={"named": 7}),
    "fewer files": lambda data: _head(data, files=[]),
    "files that are none": lambda data: _head(data, files=[{"path": "/dev/zero"}]),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_what_is_damaged_or_foreign_is_read_anew(folder: Path, kept: Path, how: str) -> None:
    first = load(folder / "tickets")
    path = entry(kept)
    path.write_bytes(DAMAGE[how](path.read_bytes()))
    second = load(folder / "tickets")
    assert not is_warm(second)
    assert second == first
    assert is_warm(load(folder / "tickets"))  # and has been kept anew


def test_it_can_be_done_without(folder: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load(folder / "tickets", ANEW)
    monkeypatch.setenv("PORTAL_NO_CACHE", "1")
    load(folder / "tickets")
    assert not kept.exists()


def test_a_place_that_cannot_be_written_to_harms_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PORTAL_CACHE", str(tmp_path / "file"))
    assert load(folder / "tickets") == load(folder / "tickets")


def test_what_was_used_longest_ago_goes_first(
    folder: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(folder / "tickets")
    size = entry(kept).stat().st_size
    os.utime(entry(kept), (1, 1))
    monkeypatch.setattr(cache, "MAX_FOLDER", size)
    load(folder / "mail")
    assert is_warm(load(folder / "mail"))
    assert not is_warm(load(folder / "tickets"))


def test_a_contract_that_is_refused_is_not_kept(folder: Path, kept: Path) -> None:
    (folder / "mail/asyncapi.yaml").write_text("asyncapi: 3.0.0\nchannels: []\n")
    for _ in range(2):
        with pytest.raises(ContractError):
            load(folder / "mail")
    assert not kept.exists()


def test_numbers_and_texts_that_json_has_trouble_with_are_kept_as_they_are(
    write: Write, tmp_path: Path
) -> None:
    odd = f"x: [{10**60}, 1e999, -1e999, 0.1, -0.0, 1.0, 'a\\udc9f', '\\u2028', !!str 1]"
    write("odd.yaml", f"openapi: 3.1.0\ninfo: {{title: t, version: '1'}}\npaths: {{}}\n{odd}\n")
    first, second = load(tmp_path / "odd.yaml"), load(tmp_path / "odd.yaml")
    assert is_warm(second)
    trees = [repr(next(iter(each.documents.values()))["x"]) for each in (first, second)]
    assert trees[0] == trees[1]
