"""``portal serve`` and ``portal up`` on PostgreSQL, and the main job against what they serve."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from sqlalchemy.engine import make_url

from harness.errors import UsageError
from reference_services.platform.engine import open_database
from tests.conftest import ROOT
from tests.e2e.portal import portal, running
from tests.postgres.server import Server, text_of

pytestmark = pytest.mark.postgres

BOTH = ("scheduling", "coverage")
SERVICES = sorted(each.parent.name for each in (ROOT / "contracts").glob("*/openapi.yaml"))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_in_one_database_keeps_its_contract(
    url: str, tmp_path: Path, service: str, unbounded: bool
) -> None:
    """Alone on its broker: what another answers is no event of its own."""
    with running(["serve", service, "--database-url", url, "--one-database"], tmp_path) as (_, ready):
        addresses = [
            argument
            for option, kind in (("--target", "services"), ("--control", "control"))
            for argument in (option, f"{service}={ready[kind][service]}")
        ]
        ran = portal(
            "verify", service, *addresses, "--kafka", ready["kafka"], "--settle", "0.5",
            *(() if unbounded else ("--cases", "2", "--boundaries", "0.03")),
            "--report", str(tmp_path / "report"), timeout=280,
        )  # fmt: skip
    assert ran.code == 0, ran.text
    verdicts = {
        check["verdict"] for check in json.loads((tmp_path / "report" / "report.json").read_text())["checks"]
    }
    assert verdicts <= {"passed", "not applicable"}


def test_each_service_may_have_a_database(postgres: Server, tmp_path: Path) -> None:
    with postgres.database() as one:
        name = str(one.database)
        postgres.run(f"CREATE DATABASE {name}_coverage")
        try:
            template = text_of(one.set(database="placeholder")).replace("placeholder", f"{name}_{{service}}")
            postgres.run(f"CREATE DATABASE {name}_scheduling")
            with running(["serve", *BOTH, "--database-url", template, "--kafka", "none"], tmp_path) as (
                _,
                ready,
            ):
                for service in BOTH:
                    assert httpx.get(f"{ready['control'][service]}/health").status_code == 200
            for service in BOTH:
                [(count,)] = postgres.run(
                    "SELECT count(*) FROM aggregates", one.set(database=f"{name}_{service}")
                )
                assert isinstance(count, int)
                assert count > 0
        finally:
            for service in BOTH:
                postgres.run(f"DROP DATABASE IF EXISTS {name}_{service} WITH (FORCE)")


def test_a_database_that_loses_texts_is_refused(postgres: Server) -> None:
    with postgres.database() as made:
        name = f"{made.database}_latin"
        provider = "LOCALE_PROVIDER libc" if postgres.version >= 15 else ""
        postgres.run(f"CREATE DATABASE {name} ENCODING 'LATIN1' TEMPLATE template0 {provider} LOCALE 'C'")
        try:
            with pytest.raises(UsageError, match="this database keeps texts in LATIN1"):
                open_database(text_of(made.set(database=name)))
        finally:
            postgres.run(f"DROP DATABASE {name} WITH (FORCE)")


def test_two_portals_with_a_broker_each_do_not_share_a_database(url: str, tmp_path: Path) -> None:
    arguments = ["serve", *BOTH, "--database-url", url, "--one-database"]
    with running([*arguments, "--kafka", "embedded"], tmp_path) as (process, _):
        for kafka in ("embedded", "none"):
            second = portal(*arguments, "--kafka", kafka)
            assert second.code == 2
            assert "the two do not share a broker" in second.text
        assert process.poll() is None
    with running([*arguments, "--kafka", "none"], tmp_path):
        pass  # what was held is let go of


def test_what_goes_wrong_is_said_in_a_paragraph_without_the_password(url: str, postgres: Server) -> None:
    wrong = text_of(make_url(url).set(password="a-secret-of-mine"))
    missing = text_of(postgres.url.set(database="no_such_database"))
    for given, told in ((wrong, "password authentication failed"), (missing, "does not exist")):
        ran = portal("serve", "coverage", "--kafka", "none", "--database-url", given)
        assert ran.code == 2
        assert told in ran.text
        assert "the database URL" in ran.text
        for secret in ("a-secret-of-mine", str(postgres.url.password), "Traceback"):
            assert secret not in ran.text


def test_replicas_as_portal_manifests_runs_them(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """User and password from the environment, where a Secret's are put; two that share it."""
    known = make_url(url)
    monkeypatch.setenv("PGUSER", str(known.username))
    monkeypatch.setenv("PGPASSWORD", str(known.password))
    bare = f"postgresql://{known.host}:{known.port}/{known.database}"
    ran = portal(
        "manifests", "provider-directory", "--image", "portal", "--kafka", "k:1", "--jwks", "keys",
        "--database-url", bare, "--database-secret", "login",
    )  # fmt: skip
    assert ran.code == 0, ran.text
    assert bare in ran.out
    assert "--one-database" in ran.out
    serve = ["serve", "provider-directory", "--kafka", "none", "--database-url", bare, "--one-database"]
    folders = [tmp_path / "one", tmp_path / "other"]
    for folder in folders:
        folder.mkdir()
    with running(serve, folders[0]) as (_, one), running(serve, folders[1]) as (_, other):
        for ready in (one, other):
            address = ready["services"]["provider-directory"]
            assert httpx.get(f"{address}/health/ready").status_code == 200
