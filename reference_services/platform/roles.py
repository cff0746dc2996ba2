"""One PostgreSQL for several services: a schema each, and a role each that owns nothing else.

A service is in its role from a connection's first moment: what it asks of another's tables the server
refuses.
The role has no password and cannot log in, so that replicas share nothing but the URL.
"""

from __future__ import annotations

import hashlib
import re

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from harness.errors import UsageError

_PLAIN = re.compile(r"[a-z][a-z0-9_]{0,25}")


def make_schema(connection: Connection, schema: str) -> str:
    """The role that owns ``schema``; both are made if need be. Raises UsageError if they cannot be.

    ``connection`` is that of the URL's user, in a transaction in which nobody else does the same.
    """
    database, user = connection.exec_driver_sql("SELECT current_database(), current_user").one()
    role = role_of(database, schema)
    quoted = connection.dialect.identifier_preparer.quote_identifier
    try:
        _make(connection, quoted(role), quoted(schema), {"role": role, "schema": schema})
    except DBAPIError as error:
        raise UsageError(
            "--one-database",
            f"the user {user} cannot make the schema {schema} with a role of its own, {role}: {said(error)}",
            f"a user who may create roles, and schemas in the database {database}",
            f"An administrator can say ALTER ROLE {quoted(user)} CREATEROLE; GRANT CREATE ON DATABASE "
            f"{quoted(database)} TO {quoted(user)}; or leave --one-database out, for a database each",
        ) from error
    return role


def _make(connection: Connection, role: str, schema: str, named: dict[str, str]) -> None:
    execute = connection.exec_driver_sql
    if execute("SELECT 1 FROM pg_roles WHERE rolname = %(role)s", named).first() is None:
        execute(f"CREATE ROLE {role} NOLOGIN")
    if not _may_become(connection, role):  # who made it is its member by that alone in no version
        execute(f"GRANT {role} TO CURRENT_USER")
    if execute("SELECT 1 FROM pg_namespace WHERE nspname = %(schema)s", named).first() is None:
        execute(f"CREATE SCHEMA {schema} AUTHORIZATION {role}")


def _may_become(connection: Connection, role: str) -> bool:
    try:
        with connection.begin_nested():
            connection.exec_driver_sql(f"SET ROLE {role}")
            connection.exec_driver_sql("RESET ROLE")
    except DBAPIError:
        return False
    return True


def role_of(database: str, schema: str) -> str:
    """A role is known to the whole server, a schema to its database: so both are in its name."""
    parts = [
        each if _PLAIN.fullmatch(each) else hashlib.sha256(each.encode()).hexdigest()[:16]
        for each in (database, schema)
    ]
    return "_".join(("portal", *parts))


def said(error: DBAPIError) -> str:
    """What the server or its driver said, in one line: it names hosts, users and tables, and no values."""
    return (str(error.orig).strip().splitlines() or [type(error).__name__])[0].strip()
