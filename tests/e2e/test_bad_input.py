"""What a user gets wrong becomes one paragraph with place and remedy, exit code 2, and no traceback."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import pytest

from tests.e2e.portal import Ran, portal
from tests.ports import free_port


@pytest.fixture
def copied(contracts: Path, tmp_path: Path) -> Path:
    """The shipped contracts, to be broken."""
    return Path(shutil.copytree(contracts, tmp_path / "contracts"))


def refused(ran: Ran, *parts: str) -> None:
    assert ran.code == 2, ran.text
    assert "Traceback" not in ran.text
    assert "defect of Portal" not in ran.text
    paragraph = ran.err.strip()
    assert paragraph.count("\n") == 0, f"more than one paragraph: {paragraph}"
    for part in parts:
        assert part in paragraph, f"{part!r} is missing in: {paragraph}"


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize("command", ["lint", "serve", "verify", "mock"])
def test_yaml_error(copied: Path, command: str) -> None:
    file = copied / "scheduling" / "openapi.yaml"
    file.write_text("openapi: 3.1.0\ninfo:\n  title: [unclosed\npaths: {}\n")
    path = [str(copied)] if command in ("lint", "mock") else ["--contracts", str(copied)]
    refused(portal(command, *path), "scheduling/openapi.yaml:", "YAML")


@pytest.mark.parametrize("command", ["lint", "serve"])
def test_dangling_reference(copied: Path, command: str) -> None:
    file = copied / "scheduling" / "openapi.yaml"
    change(file, "#/components/schemas/Appointment'", "#/components/schemas/Apointment'") if (
        "#/components/schemas/Appointment'" in file.read_text()
    ) else change(file, "#/components/schemas/Appointment}", "#/components/schemas/Apointment}") if (
        "#/components/schemas/Appointment}" in file.read_text()
    ) else change(file, "#/components/schemas/Appointment\n", "#/components/schemas/Apointment\n")
    path = [str(copied)] if command == "lint" else ["--contracts", str(copied)]
    refused(portal(command, *path), "scheduling/openapi.yaml:", "Apointment", "Appointment")


def test_unknown_extension_word(copied: Path) -> None:
    change(copied / "scheduling" / "openapi.yaml", "x-lifecycle:", "x-lifecylce:")
    refused(portal("lint", str(copied)), "scheduling/openapi.yaml:", "x-lifecylce", "x-lifecycle")


def test_operation_without_handler(copied: Path) -> None:
    file = copied / "notifications" / "openapi.yaml"
    file.write_text(file.read_text().replace("listDevices", "enumerateDevices"))
    refused(
        portal("serve", "notifications", "--contracts", str(copied), "--kafka", "none"),
        "enumerateDevices",
        "notifications",
        "def enumerateDevices",
    )


def test_port_in_use() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused(portal("serve", "coverage", "--port", str(port), "--kafka", "none"), str(port), "in use")
        refused(portal("kafka", "--port", str(port)), str(port), "in use")


def test_unreachable_kafka() -> None:
    port = free_port()
    refused(portal("serve", "coverage", "--kafka", f"127.0.0.1:{port}"), f"127.0.0.1:{port}")


def test_unreachable_kafka_in_verify(tmp_path: Path) -> None:
    port = free_port()
    ran = portal("verify", "coverage", "--kafka", f"127.0.0.1:{port}", "--report", str(tmp_path))
    assert ran.code == 2, ran.text
    assert f"127.0.0.1:{port}" in ran.out
    assert "Traceback" not in ran.text


def test_unreachable_target(tmp_path: Path) -> None:
    port = free_port()
    ran = portal("verify", "--target", f"scheduling=http://127.0.0.1:{port}", "--report", str(tmp_path))
    assert ran.code == 2, ran.text
    assert f"127.0.0.1:{port}" in ran.out
    assert "could not tell" in ran.out
    assert "Traceback" not in ran.text


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["verify", "schedulling"], ["schedulling", "Did you mean 'scheduling'?", "coverage"]),
        (["verify", "--check", "pagin"], ["pagin", "Did you mean 'paging'?", "access"]),
        (["verify", "--target", "refrence"], ["refrence", "Did you mean 'reference'?"]),
        (["verify", "--target", "coverage"], ["portal verify coverage"]),
        (["verify", "--target", "coverage=127.0.0.1:80"], ["'127.0.0.1:80' is not the URL", "http://"]),
        (["verify", "--target", "coverage=http://h:65536"], ["not the URL"]),
        (["verify", "coverage", "--target", "scheduling=http://h"], ["portal verify coverage scheduling"]),
        (["verify", "--control", "nonsense"], ["nonsense", "SERVICE=URL"]),
        (["verify", "--control", "coverge=http://h"], ["Did you mean 'coverage'?"]),
        (["verify", "--control", "coverage=http://h"], ["--target coverage=URL"]),
        (["verify", "--token-command", "true"], ["--target SERVICE=URL"]),
        (["verify", "--kafka", "somewhere"], ["somewhere", "HOST:PORT"]),
        (["lint", "no/such/folder"], ["no/such/folder"]),
        (["mock", "no/such/file.yaml"], ["no/such/file.yaml"]),
        (["up", "--mock", "coverag"], ["coverag", "Did you mean 'coverage'?"]),
        (["up", "--external", "coverage=nonsense"], ["nonsense", "URL"]),
        (["serve", "--kafka", "somewhere"], ["somewhere", "HOST:PORT"]),
        (["serve", "--port", "8080"], ["cannot share one port: coverage, ", "leave --port out"]),
        (["token", "--patient", "pat-1"], ["--actor patient"]),
    ],
)
def test_wrong_words(arguments: list[str], parts: list[str]) -> None:
    refused(portal(*arguments), *parts)


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["verfy"], ["Did you mean 'verify'?", "'portal --help'"]),
        (["verify", "--prot", "3"], ["--prot", "--report", "'portal verify --help'"]),
        (["verify", "--report"], ["--report", "'portal verify --help'"]),
        (["verify", "--cases", "0"], ["--cases", "1"]),
        (["mock"], ["PATH", "'portal mock --help'"]),
        (["kafka", "--port", "65536"], ["--port", "65535"]),
        (["kafka", "--port", "many"], ["--port", "integer"]),
        (["token", "--actor", "patien"], ["'patien'", "'patient', 'proxy'"]),
    ],
)
def test_wrong_usage(arguments: list[str], parts: list[str]) -> None:
    refused(portal(*arguments), *parts)


@pytest.mark.parametrize(
    "arguments",
    [
        ["kafka", "--port", "0", "--ready-file"],
        ["serve", "coverage", "--kafka", "none", "--ready-file"],
        ["serve", "coverage", "--kafka", "none", "--exchanges"],
        ["serve", "coverage", "--kafka", "none", "--data"],
        ["verify", "coverage", "--report"],
        ["verify", "coverage", "--exchanges"],
    ],
)
def test_places_that_cannot_be_written(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "inside"
    refused(portal(*arguments, str(place)), arguments[-1], str(place), "Name a f")
    assert [each.name for each in tmp_path.iterdir()] == ["file"], "something was left behind"
