"""``portal manifests``: valid, safe by Kubernetes' own standard, alike for every service, and runnable."""

from __future__ import annotations

import copy
import json
import shlex
import shutil
from pathlib import Path
from typing import Any

import httpx
import kubernetes_validate
import pytest

from harness.cli.app import run
from harness.cli.kubernetes import WRITABLE
from harness.contract import load
from harness.contract.documents import read_yaml
from harness.kafka.embedded import EmbeddedBroker
from harness.serving.keys import KeyStore
from tests.conftest import ROOT
from tests.e2e.portal import portal, running
from tests.ports import free_port

SERVICES = sorted(path.parent.name for path in (ROOT / "contracts").glob("*/openapi.yaml"))
KINDS = ("ServiceAccount", "NetworkPolicy", "Deployment", "Service", "PodDisruptionBudget")
VERSIONS = ("1.29", "1.37")
"""The oldest that the schemas are held to, and the newest that there is a schema of."""

EVERYBODY_S = "portal.export-audit.access.v1"
"""The one topic that services may tell on although it is another's: who looked at what."""

WHERE = {
    "--image": "registry.example/portal:0.1.0",
    "--kafka": "kafka-0.example:9092,10.0.0.7:9094",
    "--kafka-secret": "portal-kafka-{service}",
    "--database-url": "postgresql://db.example/portal",
    "--database-secret": "portal-database",
    "--jwks": "portal-jwks",
}


def options(**instead: str | None) -> list[str]:
    """The usual ones; ``instead`` with underscores, None to leave one out."""
    given: dict[str, str | None] = {**WHERE}
    given |= {f"--{name.replace('_', '-')}": value for name, value in instead.items()}
    return [part for name, value in given.items() if value is not None for part in (name, value)]


def read(folder: Path, out: str) -> list[Any]:
    """The objects that were printed."""
    found = []
    for number, text in enumerate(out.split("---\n")):
        file = folder / f"{number}.yaml"
        file.write_text(text)
        found.append(read_yaml(file))
    return found


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Everything for all services."""
    ran = portal("manifests", *options(), "--namespace", "clinic")
    assert ran.code == 0, ran.text
    assert ran.err == ""
    return read(tmp_path_factory.mktemp("manifests"), ran.out)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """``--contracts`` with a folder of one, which is read at once."""
    folder = tmp_path_factory.mktemp("small")
    for name in ("shared", "provider-directory"):
        shutil.copytree(ROOT / "contracts" / name, folder / name)
    return ["--contracts", str(folder)]


@pytest.fixture(scope="module")
def coverage(objects: list[Any]) -> dict[str, Any]:
    """One service's, by kind."""
    return {each["kind"]: each for each in objects if each["metadata"]["name"] == "coverage"}


def test_every_service_has_everything(objects: list[Any]) -> None:
    found = [(each["metadata"]["name"], each["kind"]) for each in objects]
    assert found == [(service, kind) for service in SERVICES for kind in KINDS]
    assert {each["metadata"]["namespace"] for each in objects} == {"clinic"}


def test_all_are_valid(objects: list[Any], coverage: dict[str, Any]) -> None:
    for version, tried in zip(VERSIONS, (coverage.values(), objects), strict=True):
        for each in tried:
            assert kubernetes_validate.validate(each, version, strict=True) == version


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("Deployment", ["spec", "template", "spec", "containers", 0, "readinesProbe"], {}),
        ("Deployment", ["spec", "template", "spec", "containers", 0, "startupProbe", "periodSeconds"], "2s"),
        ("Deployment", ["spec", "template", "spec", "securityContext", "runAsNonRoot"], "yes"),
        ("NetworkPolicy", ["spec", "egress", 0, "ports", 0, "protocoll"], "TCP"),
        ("PodDisruptionBudget", ["spec", "selector"], "coverage"),
        ("Service", ["spec", "ports", 0, "port"], "http"),
        ("ServiceAccount", ["automountServiceAccountToken"], "no"),
    ],
)
def test_a_wrong_field_is_seen(coverage: dict[str, Any], kind: str, path: list[Any], value: Any) -> None:
    wrong = copy.deepcopy(coverage[kind])
    at = wrong
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)


def test_services_differ_in_their_name_alone(objects: list[Any]) -> None:
    def unnamed(service: str) -> str:
        own = [each for each in objects if each["metadata"]["name"] == service]
        return json.dumps(own).replace(service, "SERVICE")

    assert len({unnamed(service) for service in SERVICES}) == 1


def test_pods_are_confined(coverage: dict[str, Any]) -> None:
    """Pod Security Standard "restricted", and a root file system that nobody writes to."""
    spec = coverage["Deployment"]["spec"]["template"]["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = spec["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert spec["automountServiceAccountToken"] is False
    assert coverage["ServiceAccount"]["automountServiceAccountToken"] is False
    assert spec["serviceAccountName"] == coverage["ServiceAccount"]["metadata"]["name"]
    writable = [each["mountPath"] for each in container["volumeMounts"] if not each.get("readOnly")]
    assert writable == [WRITABLE]
    assert {each["name"] for each in container["volumeMounts"]} == {each["name"] for each in spec["volumes"]}
    state = next(each["value"] for each in container["env"] if each["name"] == "PORTAL_STATE")
    assert Path(state).is_relative_to(WRITABLE)
    for resources in (container["resources"]["requests"], container["resources"]["limits"]):
        assert {"cpu", "memory"} <= resources.keys()


def test_pods_are_found_and_survive_a_drain(coverage: dict[str, Any]) -> None:
    deployment = coverage["Deployment"]["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    assert deployment["selector"]["matchLabels"] == labels
    assert coverage["Service"]["spec"]["selector"] == labels
    assert coverage["PodDisruptionBudget"]["spec"] == {"minAvailable": 1, "selector": {"matchLabels": labels}}
    assert coverage["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels
    assert deployment["replicas"] == 2
    assert deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_the_network_is_open_where_it_must_be(coverage: dict[str, Any]) -> None:
    policy = coverage["NetworkPolicy"]["spec"]
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    assert policy["ingress"] == [{"ports": [{"protocol": "TCP", "port": "http"}]}]
    ports = [(port["protocol"], port["port"]) for way in policy["egress"] for port in way["ports"]]
    assert ports == [("UDP", 53), ("TCP", 53), ("TCP", 9092), ("TCP", 9094), ("TCP", 5432)]
    assert [way["to"] for way in policy["egress"] if "to" in way] == [[{"ipBlock": {"cidr": "10.0.0.7/32"}}]]


def test_secrets_are_named_and_not_told(coverage: dict[str, Any]) -> None:
    spec = coverage["Deployment"]["spec"]["template"]["spec"]
    referred = {
        each["name"]: each["valueFrom"]["secretKeyRef"]
        for each in spec["containers"][0]["env"]
        if "valueFrom" in each
    }
    assert referred == {
        "PGUSER": {"name": "portal-database", "key": "username"},
        "PGPASSWORD": {"name": "portal-database", "key": "password"},
    }
    kafka = next(each["secret"] for each in spec["volumes"] if each["name"] == "kafka")
    assert kafka["secretName"] == "portal-kafka-coverage"
    assert kafka["defaultMode"] & 0o007 == 0


def arguments_of(coverage: dict[str, Any]) -> list[str]:
    found: list[str] = coverage["Deployment"]["spec"]["template"]["spec"]["containers"][0]["args"]
    return found


def _with(arguments: list[str], **instead: str) -> list[str]:
    """The same arguments with other values of some options."""
    found = list(arguments)
    for name, value in instead.items():
        found[found.index(f"--{name.replace('_', '-')}") + 1] = value
    return found


def test_the_arguments_run_the_service_that_the_probes_ask(
    coverage: dict[str, Any], tmp_path: Path, contracts: Path
) -> None:
    """As written, but for what is not here: the cluster, the database's server, the mounted keys."""
    keys = tmp_path / "jwks.json"
    keys.write_text(json.dumps(KeyStore().jwks()))
    port = free_port()
    with EmbeddedBroker({}) as embedded:
        arguments = _with(
            [each for each in arguments_of(coverage) if each != "--one-database"],
            kafka=embedded.broker.bootstrap, database_url=f"sqlite:///{tmp_path}/coverage.db",
            jwks=str(keys), port=str(port), host="127.0.0.1",
        )  # fmt: skip
        with (
            running(arguments, tmp_path) as (_, ready),
            httpx.Client(base_url=f"http://127.0.0.1:{port}") as at,
        ):
            assert ready["control"] == {}
            (container,) = coverage["Deployment"]["spec"]["template"]["spec"]["containers"]
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                assert at.get(container[probe]["httpGet"]["path"]).status_code == 200, probe
            assert at.get("/v1/coverage/cov-30000001").status_code == 401
            schemes = load(contracts / "coverage").security_schemes.values()
            scope = " ".join(name for each in schemes for name in each.scopes)
            token = KeyStore().mint({"actor": "staff", "scope": scope})
            told = at.get("/v1/coverage/cov-30000001", headers={"Authorization": f"Bearer {token}"})
            assert told.status_code == 200, told.text
            assert at.get("/.well-known/jwks.json").json() == json.loads(keys.read_text())


def test_a_database_each(tmp_path: Path, small: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    url = "postgresql://db.example:6432/portal_{service}"
    assert run(["manifests", *small, *options(database_url=url, kafka_secret=None)]) == 0
    deployment = _deployment(read(tmp_path, capsys.readouterr().out))
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    assert "--one-database" not in container["args"]
    assert url in container["args"]
    assert "PORTAL_KAFKA_CONFIG" not in {each["name"] for each in container["env"]}
    assert "namespace" not in deployment["metadata"]


def _deployment(objects: list[Any]) -> Any:
    (found,) = [each for each in objects if each["kind"] == "Deployment"]
    return found


SECRET = "hunter2-and-more"


@pytest.mark.parametrize(
    ("instead", "told"),
    [
        ({"image": None}, "--image: it is needed"),
        ({"kafka": None}, "--kafka: it is needed"),
        ({"jwks": None}, "--jwks: it is needed"),
        ({"database_secret": None}, "--database-secret: it is needed"),
        ({"database_url": None}, "--database-url: it is needed"),
        ({"kafka": "kafka"}, "'kafka' is not an address"),
        ({"image": "portal; rm"}, "no name that Kubernetes takes"),
        ({"database_secret": "Database"}, "no name that Kubernetes takes"),
        ({"namespace": "a.b"}, "no name that Kubernetes takes"),
        ({"database_url": f"postgresql://portal:{SECRET}@db/portal"}, "names a user or a password"),
        ({"database_url": f"postgresql://db/portal?password={SECRET}"}, "names a user or a password"),
        ({"database_url": "sqlite:////data/x.db"}, "not the URL of a PostgreSQL's database"),
        ({"database_url": "postgresql://db"}, "not the URL of a PostgreSQL's database"),
        ({"replicas": "1"}, "--replicas"),
    ],
)
def test_what_cannot_be_is_refused(
    instead: dict[str, str | None], told: str, small: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["manifests", *small, *options(**instead)]) == 2
    out, err = capsys.readouterr()
    assert told in " ".join(err.split())
    assert err.count("\n") == 1
    assert SECRET not in out + err
    assert out == ""


def test_variables_of_kubernetes_are_not_put_into_arguments(
    tmp_path: Path, small: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["manifests", *small, *options(issuer="https://issuer.example/$(PGPASSWORD)")]) == 0
    deployment = _deployment(read(tmp_path, capsys.readouterr().out))
    arguments = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    assert "https://issuer.example/$$(PGPASSWORD)" in arguments


@pytest.fixture
def feedback(tmp_path: Path) -> Path:
    """Somebody's folder of contracts, of which there is no reference service."""
    shutil.copytree(ROOT / "contracts/shared", tmp_path / "contracts/shared")
    (tmp_path / "contracts/feedback").mkdir()
    for name in ("openapi.yaml", "asyncapi.yaml"):
        shutil.copy(ROOT / "tests/e2e/thirteenth" / name, tmp_path / "contracts/feedback")
    return tmp_path / "contracts"


def test_what_no_image_could_run_is_refused(feedback: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["manifests", "feedback", *options(), "--contracts", str(feedback)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "has no reference service" in err


def test_a_name_that_kubernetes_does_not_take_is_refused(
    small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(small[-1], tmp_path, dirs_exist_ok=True)
    (tmp_path / "provider-directory").rename(tmp_path / "Provider_Directory")
    assert run(["manifests", *options(), "--contracts", str(tmp_path)]) == 2
    assert "cannot be called so" in capsys.readouterr().err


def commands(out: str) -> list[list[str]]:
    lines = [line for line in out.splitlines() if line and not line.startswith(("#", "set ", ": "))]
    return [shlex.split(line) for line in lines]


def test_rights_of_any_contract(feedback: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whom = ["--principal", "User:CN=portal {service}"]
    assert run(["manifests", "--rights", "--kafka", "k:1", "--contracts", str(feedback), *whom]) == 0
    found = commands(capsys.readouterr().out)
    assert [each[0] for each in found] == [*["kafka-topics.sh"] * (len(found) - 1), "kafka-acls.sh"]
    assert found[-1][-2:] == ["--topic", "portal.feedback.feedback.v1"]
    assert found[-1][found[-1].index("--allow-principal") + 1] == "User:CN=portal feedback"


def test_rights_are_one_service_s(contracts: Path) -> None:
    ran = portal("manifests", "--rights", "--kafka", "kafka:9092")
    assert ran.code == 0, ran.text
    assert ran.out.startswith("#!/bin/sh\n")
    for words in commands(ran.out):
        if words[0] == "kafka-acls.sh" and "Write" in words:
            service = words[words.index("--allow-principal") + 1].removeprefix("User:")
            topics = [words[at + 1] for at, word in enumerate(words) if word == "--topic"]
            assert {topic.split(".")[1] for topic in topics if topic != EVERYBODY_S} <= {service}
    assert "*" not in ran.out.partition("\n\n")[2]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--principal", "User:*"], "nobody in particular"),
        (["--principal", "team"], "nobody in particular"),
        (["--principal", "User:team"], "each could do what any of them may"),
    ],
)
def test_rights_of_everybody_are_refused(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["manifests", "--rights", "--kafka", "kafka:9092", *arguments]) == 2
    assert told in " ".join(capsys.readouterr().err.split())


ODD = """
asyncapi: 3.0.0
info: {title: Odd, version: 1.0.0}
channels:
  it: CHANNEL
operations:
  tell: {action: OPERATION, channel: {$ref: '#/channels/it'}}
"""


@pytest.mark.parametrize(
    ("channel", "operation", "told"),
    [
        ("{address: 'odd.{ward}.v1', parameters: {ward: {}}}", "send", "known only while it runs"),
        ("{address: null}", "send", "known only while it runs"),
        ("{address: 'odd topic; rm', bindings: {kafka: {}}}", "send", "no legal name for a Kafka topic"),
        (
            "{address: odd.v1}",
            "receive, reply: {address: {location: $message.header#/to}}",
            "each message says",
        ),
        ("{address: odd.v1}", "receive, bindings: {kafka: {groupId: {const: '*'}}}", "every consumer group"),
    ],
)
def test_rights_that_cannot_be_listed_are_refused(
    tmp_path: Path, channel: str, operation: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "odd").mkdir()
    text = ODD.replace("CHANNEL", channel).replace("OPERATION", operation)
    (tmp_path / "odd/asyncapi.yaml").write_text(text)
    assert run(["manifests", "--rights", "--kafka", "kafka:9092", "--contracts", str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert told in " ".join(err.split())
    assert out == ""
