"""Migrations of the platform's tables, by Alembic: there are no others, for a document has no columns.

A change of ``tables.py`` comes with a module in ``versions/`` and its revision in ``NEWEST``; the tests say
what is missing between the two, on either database.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, String, Table, insert, inspect, select

from harness.errors import UsageError
from reference_services.platform.tables import metadata

NEWEST = "0002"
FOLDER = Path(__file__).parent

_VERSION = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))
"""As Alembic makes it. Alembic takes half a second to import, and most starts have nothing for it to do."""


def is_newest(connection: Connection) -> bool:
    """Whether there is nothing to migrate."""
    if not inspect(connection).has_table(_VERSION.name):
        return False
    return connection.execute(select(_VERSION.c.version_num)).scalars().all() == [NEWEST]


def make(connection: Connection) -> None:
    """The tables in their newest form, where there is nothing yet: what ``migrate`` would come to, sooner."""
    metadata.create_all(connection)
    _VERSION.create(connection)
    connection.execute(insert(_VERSION), {"version_num": NEWEST})


def migrate(connection: Connection) -> None:
    """Bring tables of whatever age to their newest form, in the connection's transaction, which writes.

    Raises UsageError for those of a later Portal.
    """
    if is_newest(connection):
        return  # somebody else was first
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, NEWEST)
    except CommandError as error:
        raise UsageError(
            "the database URL",
            f"its tables are not known to this Portal: {error}",
            f"tables of a Portal of this age or older (revision {NEWEST})",
            "Use the Portal that made them, or another database",
        ) from error
