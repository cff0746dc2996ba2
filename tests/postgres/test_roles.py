"""In one database each service has a schema, and a role that the server keeps out of the others'."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ProgrammingError

from harness.errors import UsageError
from reference_services.platform.engine import open_database
from reference_services.platform.store import Store
from tests.postgres.server import Server, text_of
from tests.unit.platform.desk import Desk, running

pytestmark = pytest.mark.postgres

OTHERS = (
    "SELECT * FROM coverage.aggregates",
    "INSERT INTO coverage.received VALUES ('o', 't', 'k', 1)",
    "DELETE FROM coverage.outbox",
    "DROP TABLE coverage.aggregates",
    "CREATE TABLE coverage.mine (id integer)",
    "CREATE SCHEMA mine",
    "CREATE ROLE mine",
)


@pytest.fixture
def stores(url: str) -> Iterator[tuple[Store, Store]]:
    both = Store(url, "scheduling"), Store(url, "coverage")
    for each in both:
        each.open()
    yield both
    for each in both:
        each.close()


@pytest.fixture
def ordinary(postgres: Server, url: str) -> Iterator[str]:
    """The database as a user sees it who is no administrator; ``url``'s end removes what it has made."""
    database = make_url(url)
    user = f"portal_{database.database}_somebody"
    postgres.run(f"CREATE ROLE {user} LOGIN PASSWORD 'x'")
    yield text_of(database.set(username=user, password="x"))
    postgres.run(f"DROP OWNED BY {user} CASCADE", database)


@pytest.mark.parametrize("statement", OTHERS)
def test_what_is_another_s_is_refused_by_the_server(stores: tuple[Store, Store], statement: str) -> None:
    own, _ = stores
    with (
        pytest.raises(ProgrammingError, match=r"permission denied|must be owner"),
        own.transaction(write=True) as transaction,
    ):
        transaction.connection.exec_driver_sql(statement)


def test_taking_the_role_off_by_mistake_changes_nothing(stores: tuple[Store, Store]) -> None:
    own, _ = stores
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        own.transaction(write=False) as transaction,
    ):
        transaction.connection.exec_driver_sql("RESET ROLE")
        transaction.connection.exec_driver_sql(OTHERS[0])


def test_the_relay_s_connection_has_the_role_too(stores: tuple[Store, Store]) -> None:
    """Each session of the server that works in a schema works in its role."""
    own, _ = stores
    with own.transaction(write=False) as transaction:
        found = transaction.connection.exec_driver_sql("SELECT current_user, current_schema()").one()
    assert found[0].endswith("_scheduling")
    assert found[1] == "scheduling"


def test_each_has_its_own_and_replicas_have_the_same(url: str) -> None:
    with (
        running(Desk(url=url, schema="one")) as one,
        running(Desk(url=url, schema="one")) as replica,
        running(Desk(url=url, schema="other")) as other,
    ):
        one.open("kept")
        totals = [each.total() for each in (one, replica, other)]
    assert totals == [4, 4, 3]


def test_who_may_make_no_roles_is_told_what_to_do(ordinary: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_database(ordinary, "scheduling")
    told = caught.value.paragraph()
    user = make_url(ordinary).username
    assert told.startswith(f"--one-database: the user {user} cannot make the schema scheduling")
    assert f'ALTER ROLE "{user}" CREATEROLE; GRANT CREATE ON DATABASE' in told
    assert "permission denied to create role" in told


def test_no_administrator_is_needed(postgres: Server, url: str, ordinary: str) -> None:
    user = make_url(ordinary).username
    postgres.run(f"ALTER ROLE {user} CREATEROLE")
    postgres.run(f"GRANT CREATE ON DATABASE {make_url(url).database} TO {user}")
    for schema in ("scheduling", "coverage"):
        with running(Desk(url=ordinary, schema=schema)) as desk:
            desk.open("kept")
    postgres.run(f"ALTER ROLE {user} NOCREATEROLE")
    with running(Desk(url=ordinary, schema="scheduling")) as desk:
        assert desk.total() == 4


def test_words_of_sql_are_names_like_others(url: str) -> None:
    for schema in ("user", "order", "a_service_whose_name_is_longer_than_its_role_could_ever_be"):
        with running(Desk(url=url, schema=schema)) as desk:
            desk.open("kept")
