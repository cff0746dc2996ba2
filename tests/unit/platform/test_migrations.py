"""Migrations lead to the tables that the platform works on, whatever there was and whoever starts with us."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import make_url

from harness.errors import UsageError
from reference_services.platform import migrations, tables
from reference_services.platform.database import Database
from reference_services.platform.engine import open_database
from tests.conftest import ROOT
from tests.unit.platform.desk import Desk, running

STARTS = """
import sys
from alembic import command
from reference_services.platform.engine import open_database
print("here", flush=True)
sys.stdin.readline()
open_database(sys.argv[1]).close()
"""
OLD = ("aggregates", "fields", "unique_keys", "timers", "outbox", "inbox", "received", "idempotency")


def shape(database: Database) -> dict[str, Any]:
    """Columns with types, collations and defaults, keys and indices, as the database tells them."""
    with database.reading.connect() as connection:
        looked = inspect(connection)
        return {
            name: {
                "columns": [{**each, "type": repr(each["type"])} for each in looked.get_columns(name)],
                "key": looked.get_pk_constraint(name)["constrained_columns"],
                "unique": sorted(tuple(each["column_names"]) for each in looked.get_unique_constraints(name)),
                "indices": sorted(
                    (str(each["name"]), each["column_names"]) for each in looked.get_indexes(name)
                ),
            }
            for name in sorted(tables.metadata.tables)
        }


def bare(url: str) -> Any:
    """An engine of nobody's."""
    named = make_url(url)
    driver = "sqlite" if named.get_backend_name() == "sqlite" else "postgresql+psycopg"
    return create_engine(named.set(drivername=driver))


def test_alembic_finds_no_difference_between_migrations_and_tables(url: str) -> None:
    database = open_database(url)
    with database.reading.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, tables.metadata) == []
    database.close()


def test_migrated_tables_are_those_that_would_be_made_at_once(url: str, database: Any) -> None:
    """Alembic compares no collations; and a temporary file is made without it."""
    migrated = open_database(url)
    other = url if url.startswith("postgresql") else f"{url}.other"
    if url.startswith("postgresql"):
        other = database()
    engine = bare(other)
    with engine.begin() as connection:
        migrations.make(connection)
    engine.dispose()
    made = open_database(other)
    assert shape(migrated) == shape(made)
    migrated.close()
    made.close()


def test_the_newest_revision_is_the_head_of_the_versions() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations.FOLDER))
    assert ScriptDirectory.from_config(config).get_heads() == [migrations.NEWEST]


def test_tables_from_before_there_were_migrations_are_taken_over(url: str) -> None:
    engine = bare(url)
    with engine.begin() as connection:
        tables.metadata.create_all(connection, tables=[tables.metadata.tables[name] for name in OLD])
        connection.execute(text("INSERT INTO inbox VALUES ('noteWritten', 'e-1', 'done', '2026')"))
    engine.dispose()

    with running(Desk(url=url)) as desk, desk.service.store.transaction(write=False) as transaction:
        assert migrations.is_newest(transaction.connection)
        assert transaction.connection.execute(text("SELECT event FROM inbox")).scalars().all() == ["e-1"]
        assert inspect(transaction.connection).has_table("relations")


def test_what_is_there_already_is_left_alone(url: str) -> None:
    with running(Desk(url=url)) as first:
        first.open("kept")
    with running(Desk(url=url)) as second:
        assert second.total() == 4


def test_tables_of_a_later_portal_are_refused(url: str) -> None:
    open_database(url).close()
    engine = bare(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(UsageError) as caught:
        open_database(url)
    assert "9999" in caught.value.found
    assert "Use the Portal that made them" in caught.value.remedy


def test_replicas_that_start_at_once_migrate_once(url: str) -> None:
    replicas = [
        subprocess.Popen(
            [sys.executable, "-c", STARTS, url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for _ in range(3)
    ]
    try:
        for each in replicas:
            assert each.stdout is not None
            assert each.stdout.readline() == "here\n"
        for each in replicas:
            assert each.stdin is not None
            each.stdin.write("now\n")
            each.stdin.flush()
        for each in replicas:
            _, said = each.communicate(timeout=60)
            assert (each.returncode, said) == (0, "")
    finally:
        for each in replicas:
            each.kill()
            each.wait()
    database = open_database(url)
    with database.reading.connect() as connection:
        assert migrations.is_newest(connection)
    database.close()


def test_of_a_migration_that_fails_nothing_remains(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object, **__: object) -> None:
        raise RuntimeError("not today")

    monkeypatch.setattr("alembic.op.create_index", failing)
    with pytest.raises(UsageError):
        open_database(url)
    engine = bare(url)
    assert inspect(engine).get_table_names() == []
    engine.dispose()
    monkeypatch.undo()
    open_database(url).close()
