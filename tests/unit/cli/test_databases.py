"""Which database each service gets, and which options contradict each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.databases import Databases
from harness.errors import UsageError

URL = "postgresql://portal@db.example/portal"
EACH = "postgresql://portal@db.example/portal_{service}"
BOTH = ("scheduling", "orders-results")


def test_unless_told_otherwise_data_is_forgotten() -> None:
    assert Databases().of("coverage") == (None, None)


def test_a_folder_holds_a_file_for_each(tmp_path: Path) -> None:
    assert Databases(tmp_path).of("coverage") == (f"sqlite:///{tmp_path}/coverage.db", None)


def test_a_service_s_name_stands_in_the_url() -> None:
    assert Databases(url=EACH).of("orders-results") == (
        "postgresql://portal@db.example/portal_orders_results",
        None,
    )


def test_one_database_has_a_schema_for_each() -> None:
    assert Databases(url=URL, one=True).of("orders-results") == (URL, "orders_results")


@pytest.mark.parametrize(
    ("databases", "services"),
    [
        (Databases(), BOTH),
        (Databases(Path("data")), BOTH),
        (Databases(url=EACH), BOTH),
        (Databases(url=URL), BOTH[:1]),
        (Databases(url=URL, one=True), BOTH),
    ],
)
def test_what_makes_sense_is_taken(databases: Databases, services: tuple[str, ...]) -> None:
    databases.check(services)


@pytest.mark.parametrize(
    ("databases", "told"),
    [
        (Databases(one=True), "no database is named"),
        (Databases(Path("data"), URL), "one of the two"),
        (Databases(url=EACH, one=True), "a URL without {service}"),
        (Databases(url=URL), "2 services cannot keep their data in one place: scheduling, orders-results"),
    ],
)
def test_what_contradicts_itself_is_refused_and_shows_no_url(databases: Databases, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        databases.check(BOTH)
    assert told in caught.value.paragraph()
    assert "db.example" not in caught.value.paragraph()
