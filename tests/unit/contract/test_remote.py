"""Documents from addresses: only when asked for, only from public ones, never more than is reasonable.

The Internet of these tests is a resolver and a transport; nothing is connected to.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import httpx
import pytest

from harness.contract import load, remote
from harness.contract.remote import Remote, is_public
from harness.contract.schema import compile_schema
from harness.contract.sources import Sources
from harness.errors import ContractError
from tests.unit.contract.conftest import Write

PUBLIC = "93.184.215.14"
OPENAPI = """\
openapi: 3.1.0
info: {{title: t, version: '1'}}
paths: {{}}
components: {{schemas: {{A: {{$ref: '{ref}'}}}}}}
"""

Answer = Callable[[httpx.Request], httpx.Response]


class Internet:
    """What is asked, and what it answers: path → response; every host has the address ``PUBLIC``."""

    def __init__(self) -> None:
        self.pages: dict[str, httpx.Response | Answer] = {}
        self.hosts: dict[str, list[str]] = {}
        self.asked: list[httpx.Request] = []

    def resolve(self, host: str, port: int) -> Sequence[str]:
        return self.hosts.get(host, [PUBLIC])

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        page = self.pages.get(request.url.path, httpx.Response(404))
        return page(request) if callable(page) else page

    def remote(self, cache: Path | None = None) -> Remote:
        return Remote(cache, self.resolve, httpx.MockTransport(self.answer))

    def page(self, path: str, text: str) -> None:
        self.pages[path] = httpx.Response(200, text=text)


@pytest.fixture
def internet() -> Internet:
    return Internet()


def refused(path: Path, sources: Sources) -> ContractError:
    with pytest.raises(ContractError) as caught:
        load(path, sources)
    return caught.value


def test_an_address_is_not_followed_unless_that_is_allowed_and_both_remedies_are_named(write: Write) -> None:
    path = write("openapi.yaml", OPENAPI.format(ref="https://example.com/a.yaml#/b"))
    error = refused(path, Sources())
    assert error.where == f"{path}:4"
    assert "another machine" in error.found
    assert "--allow-remote" in error.remedy and "--map https://example.com/a.yaml=FILE" in error.remedy


def test_documents_are_fetched_with_what_they_refer_to(write: Write, internet: Internet) -> None:
    internet.page("/s/a.yaml", "b: {properties: {c: {$ref: '../t/c.json#/d'}}}\n")
    internet.page("/t/c.json", '{"d": {"type":\t"integer"}}')
    path = write("openapi.yaml", OPENAPI.format(ref="https://example.com/s/a.yaml#/b"))
    contract = load(path, Sources(fetch=internet.remote()))
    assert not compile_schema(contract.schemas["A"]).is_valid({"c": "x"})
    assert [request.url.path for request in internet.asked] == ["/s/a.yaml", "/t/c.json"]


def test_the_connection_goes_to_the_address_that_was_checked_and_tells_nothing(
    write: Write, internet: Internet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    internet.page("/a.yaml", "type: string\n")
    load(
        write("openapi.yaml", OPENAPI.format(ref="https://example.com:8443/a.yaml")),
        Sources(fetch=internet.remote()),
    )
    (request,) = internet.asked
    assert (request.url.host, request.url.port) == (PUBLIC, 8443)
    assert request.headers["host"] == "example.com:8443"
    assert request.extensions["sni_hostname"] == "example.com"
    assert not {"authorization", "cookie"} & set(request.headers)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - an address to refuse
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "192.0.2.1",
        "::1",
        "::",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "2001:db8::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
        "::127.0.0.1",
        "not an address",
    ],
)
def test_an_address_inside_a_network_is_refused(write: Write, internet: Internet, address: str) -> None:
    assert not is_public(address)
    internet.hosts["inside.example.com"] = [PUBLIC, address]  # one is enough
    path = write("openapi.yaml", OPENAPI.format(ref="http://inside.example.com/a.yaml"))
    error = refused(path, Sources(fetch=internet.remote()))
    assert "private, local or reserved" in error.found and error.where == f"{path}:4"
    assert internet.asked == []


@pytest.mark.parametrize(
    "address", [PUBLIC, "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:93.184.215.14"]
)
def test_an_address_on_the_internet_is_public(address: str) -> None:
    assert is_public(address)


def test_a_redirect_is_followed_and_is_what_references_are_relative_to(
    write: Write, internet: Internet
) -> None:
    internet.pages["/a.yaml"] = httpx.Response(302, headers={"location": "/deep/b.yaml"})
    internet.page("/deep/b.yaml", "$ref: c.yaml\n")
    internet.page("/deep/c.yaml", "type: integer\n")
    path = write("openapi.yaml", OPENAPI.format(ref="https://example.com/a.yaml"))
    contract = load(path, Sources(fetch=internet.remote()))
    assert not compile_schema(contract.schemas["A"]).is_valid("x")


REDIRECTS = [
    ("http://inside.example.com/a.yaml", "private, local or reserved"),
    ("http://169.254.169.254/latest/meta-data", "private, local or reserved"),
    ("file:///etc/passwd", "'file:'"),
    ("gopher://example.com/", "'gopher:'"),
    ("http://user:secret@example.com/a", "credentials"),
    ("/a.yaml", "redirects more than"),
]


@pytest.mark.parametrize(("to", "says"), REDIRECTS)
def test_a_redirect_is_checked_as_the_first_address_was(
    write: Write, internet: Internet, to: str, says: str
) -> None:
    internet.hosts |= {"inside.example.com": ["10.0.0.1"], "169.254.169.254": ["169.254.169.254"]}
    internet.pages["/a.yaml"] = httpx.Response(302, headers={"location": to})
    path = write("openapi.yaml", OPENAPI.format(ref="https://example.com/a.yaml"))
    error = refused(path, Sources(fetch=internet.remote()))
    assert says in error.found and "secret" not in str(error)


def endless() -> Iterator[bytes]:
    while True:
        yield b"x" * 65_536


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (httpx.Response(200, content=endless()), "larger than 8 MiB"),
        (httpx.Response(404), "answers 404"),
        (httpx.Response(200, headers={"content-encoding": "gzip"}, content=b"\x1f\x8b"), "compressed"),
        (httpx.Response(200, content=b"\xff\xff"), "not valid UTF-8"),
        (httpx.Response(200, text="a: 'b"), "not valid YAML"),
    ],
)
def test_what_is_no_document_of_reasonable_size_is_refused(
    write: Write, internet: Internet, answer: httpx.Response, says: str
) -> None:
    internet.pages["/a.yaml"] = answer
    path = write("openapi.yaml", OPENAPI.format(ref="https://example.com/a.yaml"))
    assert says in str(refused(path, Sources(fetch=internet.remote())))


def test_a_slow_answer_is_given_up(write: Write, internet: Internet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "MAX_SECONDS", 0.0)
    internet.page("/a.yaml", "type: string\n")
    path = write("openapi.yaml", OPENAPI.format(ref="https://example.com/a.yaml"))
    assert "takes longer" in refused(path, Sources(fetch=internet.remote())).found


def test_a_chain_of_documents_has_an_end(write: Write, internet: Internet) -> None:
    for number in range(remote.MAX_DOCUMENTS + 1):
        internet.page(f"/{number}.yaml", f"properties: {{a: {{$ref: '{number + 1}.yaml'}}}}\n")
    path = write("openapi.yaml", OPENAPI.format(ref="https://example.com/0.yaml"))
    assert "more than 100 documents" in refused(path, Sources(fetch=internet.remote())).found


def test_a_document_from_an_address_reads_no_file_of_this_machine(write: Write, internet: Internet) -> None:
    secret = write("secret.yaml", "type: string\n")
    for ref in (secret.as_uri(), "../../../../../../../../etc/hostname", str(secret)):
        internet.asked.clear()
        internet.page("/a.yaml", f"$ref: '{ref}'\n")
        path = write("openapi.yaml", OPENAPI.format(ref="https://example.com/a.yaml"))
        error = refused(path, Sources(fetch=internet.remote()))
        assert "names a place on this machine" in error.found or "answers 404" in error.found


def test_what_was_fetched_is_kept_for_a_day(write: Write, internet: Internet, tmp_path: Path) -> None:
    internet.page("/a.yaml", "type: string\n")
    path = write("openapi.yaml", OPENAPI.format(ref="https://example.com/a.yaml"))
    cache = tmp_path / "cache"
    for _ in range(2):
        load(path, Sources(fetch=internet.remote(cache)))
    assert len(internet.asked) == 1
    (kept,) = cache.iterdir()
    old = kept.stat().st_mtime - remote.FRESH_SECONDS - 1
    os.utime(kept, (old, old))
    load(path, Sources(fetch=internet.remote(cache)))
    assert len(internet.asked) == 2
    kept.write_bytes(b"not ours")
    load(path, Sources(fetch=internet.remote(cache)))
    assert len(internet.asked) == 3
    assert "another machine" in refused(path, Sources()).found  # a copy is no permission


def test_addresses_are_mapped_to_files_and_folders_by_the_longest_beginning(
    write: Write, tmp_path: Path
) -> None:
    write("copies/s/a.yaml", "$ref: '../t/b.yaml#/c'\n")
    write("copies/t/b.yaml", "c: {type: 'null'}\n")
    special = write("special.yaml", "c: {$ref: 'beside.yaml'}\n")
    path = write("openapi.yaml", OPENAPI.format(ref="https://example.com/s/a.yaml"))
    maps = (("https://example.com", tmp_path / "copies"), ("https://example.com/t/b.yaml", special))
    assert compile_schema(load(path, Sources(maps[:1])).schemas["A"]).is_valid(None)
    write("copies/t/beside.yaml", "type: integer\n")
    assert compile_schema(load(path, Sources(maps)).schemas["A"]).is_valid(1)


def test_a_file_that_stands_for_an_address_has_its_neighbours_beside_it(write: Write) -> None:
    special = write("special.yaml", "$ref: 'beside.yaml'\n")
    write("beside.yaml", "type: integer\n")
    path = write("openapi.yaml", OPENAPI.format(ref="https://example.com/t/b.yaml"))
    contract = load(path, Sources((("https://example.com/t/b.yaml", special),)))
    assert not compile_schema(contract.schemas["A"]).is_valid("x")


@pytest.mark.parametrize(
    "ref", ["https://example.com/../../secret.yaml", "https://example.com/%2e%2e/secret.yaml"]
)
def test_a_mapped_folder_is_not_left_by_its_address(write: Write, tmp_path: Path, ref: str) -> None:
    write("secret.yaml", "type: string\n")
    (tmp_path / "copies").mkdir()
    path = write("openapi.yaml", OPENAPI.format(ref=ref))
    error = refused(path, Sources((("https://example.com/", tmp_path / "copies"),)))
    assert "another machine" in error.found or "cannot be read" in error.found


@pytest.mark.parametrize("ref", ["/opt/specs/a.yaml", "file:///opt/specs/a.yaml", "urn:example:a"])
def test_other_absolute_references_may_be_mapped_too(write: Write, ref: str) -> None:
    copy = write("copy.yaml", "type: integer\n")
    path = write("openapi.yaml", OPENAPI.format(ref=ref))
    assert "--map" in refused(path, Sources()).remedy
    assert not compile_schema(load(path, Sources(((ref, copy),))).schemas["A"]).is_valid("x")
