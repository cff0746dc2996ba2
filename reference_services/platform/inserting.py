"""Many rows of one table at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table, insert


def insert_many(
    connection: Connection, table: Table, names: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert rows with values for these columns, named in the table's order."""
    if not rows:
        return
    statement = insert(table).inline()
    if connection.dialect.name == "sqlite":
        # It takes every value as it is: to ask each of them whether it does costs as much as the insertion.
        compiled = statement.compile(dialect=connection.dialect, column_keys=list(names))
        connection.exec_driver_sql(str(compiled), list(rows))
    else:
        connection.execute(statement, [dict(zip(names, row, strict=True)) for row in rows])
