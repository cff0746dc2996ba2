"""Types of columns that two databases understand differently, made to mean the same."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Dialect, Integer, String, Text
from sqlalchemy.types import TypeDecorator, TypeEngine


class Bytewise(TypeDecorator[str]):
    """Text on PostgreSQL as SQLite keeps it: sorted by its bytes, of any length, and U+0000 may be in it.

    PostgreSQL's text has no U+0000. It is written as U+0001 U+0001, and U+0001 as U+0001 U+0002: so no two
    texts become one, and their order stays.
    """

    impl = Text
    cache_ok = True

    def __init__(self) -> None:
        super().__init__(collation="C")

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        if not isinstance(value, str) or ("\x00" not in value and "\x01" not in value):
            return value
        return value.replace("\x01", "\x01\x02").replace("\x00", "\x01\x01")

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        if not isinstance(value, str) or "\x01" not in value:
            return value
        return value.replace("\x01\x01", "\x00").replace("\x01\x02", "\x01")


def text(length: int) -> String:
    """What is looked for and sorted by."""
    return String(length).with_variant(Bytewise(), "postgresql")


def number() -> TypeEngine[int]:
    """Of rows and versions: to 2^63 on SQLite whatever it is called; it counts by itself only in INTEGER."""
    return BigInteger().with_variant(Integer(), "sqlite")
