"""Arazzo's criteria (1.1: Criterion Object): ``$message.payload#/outcome == 'eligible'``, and those by type.

In a simple one operators bind as in C: ``!``, then comparison, then ``&&``, then ``||``. Text is compared
without regard to case; text that is a number like a number, if the other side is one. Other values of
different kinds are unequal, and neither is less than the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from harness.contract.expressions import Context, Expression, ExpressionError, parse, value_of
from harness.contract.model import JSON

Condition = Callable[[Context], bool]
_Operand = Callable[[Context], JSON]

_TOKEN = re.compile(
    r"\s*(?:(?P<operator>==|!=|<=|>=|<|>|&&|\|\||!|\(|\))"
    r"|(?P<text>'(?:[^']|'')*')"
    r"|(?P<number>-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)(?![\w.])"
    r"|(?P<word>true|false|null)\b"
    r"|(?P<expression>\$[^\s()&|!=<>']+))"
)
_NUMBER = re.compile(r"-?[0-9]{1,300}(\.[0-9]{1,300})?([eE][-+]?[0-9]{1,3})?\Z")
MAX_NESTING = 64
"""Parentheses and negations within one another."""
_WORDS = {"true": True, "false": False, "null": None}
_COMPARISONS = ("==", "!=", "<=", ">=", "<", ">")


@lru_cache(maxsize=4096)
def compile_criterion(criterion: str) -> Condition:
    """A criterion as a function. Raises ExpressionError."""
    reader = _Reader(criterion)
    whole = reader.either()
    if reader.next:
        raise reader.error("an operator or the end")
    return lambda context: _true(whole(context))


def expressions_in(criterion: str) -> tuple[Expression, ...]:
    """The runtime expressions that a criterion compares. Raises ExpressionError if it is malformed."""
    compile_criterion(criterion)
    return tuple(parse(text, dotted=True) for kind, text in _Reader(criterion).tokens if kind == "expression")


class _Reader:
    """Recursive descent over the tokens of one criterion."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str]] = []
        self.nesting = 0
        at = 0
        while text[at:].strip():
            match = _TOKEN.match(text, at)
            if match is None:
                raise ExpressionError(
                    "",
                    f"the criterion '{text}' is malformed from '{text[at:].strip()}' on",
                    "expressions, 'text', numbers, true, false, null, and == != < <= > >= && || ! ( )",
                )
            self.tokens.append((str(match.lastgroup), match.group(str(match.lastgroup))))
            at = match.end()

    @property
    def next(self) -> str:
        return self.tokens[0][1] if self.tokens else ""

    def error(self, expected: str) -> ExpressionError:
        found = f"has '{self.next}'" if self.tokens else "ends"
        return ExpressionError("", f"the criterion '{self.text}' {found} where it should not", expected)

    def takes(self, *operators: str) -> str | None:
        if self.tokens and self.tokens[0][0] == "operator" and self.next in operators:
            return self.tokens.pop(0)[1]
        return None

    def either(self) -> _Operand:
        left = self.both()
        while self.takes("||"):
            left = _or(left, self.both())
        return left

    def both(self) -> _Operand:
        left = self.comparison()
        while self.takes("&&"):
            left = _and(left, self.comparison())
        return left

    def comparison(self) -> _Operand:
        left = self.negated()
        operator = self.takes(*_COMPARISONS)
        return _compare(operator, left, self.negated()) if operator else left

    def negated(self) -> _Operand:
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            raise self.error(f"{MAX_NESTING} levels at most")
        if self.takes("!"):
            inner = self.negated()
            found: _Operand = lambda context: not _true(inner(context))  # noqa: E731 - as its neighbours
        elif self.takes("("):
            found = self.either()
            if not self.takes(")"):
                raise self.error("')'")
        else:
            found = self.operand()
        self.nesting -= 1
        return found

    def operand(self) -> _Operand:
        kind, token = self.tokens[0] if self.tokens else ("", "")
        if kind in ("", "operator"):
            raise self.error("an expression or a literal")
        self.tokens.pop(0)
        if kind == "expression":
            expression = parse(token, dotted=True)
            return lambda context: value_of(expression, context)
        value = _literal(kind, token)
        return lambda _: value


def _literal(kind: str, token: str) -> JSON:
    if kind == "text":
        return token[1:-1].replace("''", "'")
    if kind == "word":
        return _WORDS[token]
    return float(token) if any(sign in token for sign in ".eE") else int(token)


def _true(value: JSON) -> bool:
    """Only null, false, zero and emptiness are not."""
    return bool(value)


def _or(left: _Operand, right: _Operand) -> _Operand:
    return lambda context: _true(left(context)) or _true(right(context))


def _and(left: _Operand, right: _Operand) -> _Operand:
    return lambda context: _true(left(context)) and _true(right(context))


def _compare(operator: str, left: _Operand, right: _Operand) -> _Operand:
    if operator in ("==", "!="):
        wanted = operator == "=="
        return lambda context: _same(left(context), right(context)) is wanted
    return lambda context: _ordered(operator, left(context), right(context))


def _alike(left: JSON, right: JSON) -> tuple[JSON, JSON]:
    """Text that is a number as one, if the other side is a number; headers and parameters are text."""
    if isinstance(left, str) and _is_number(right) and _NUMBER.match(left):
        return float(left), right
    if isinstance(right, str) and _is_number(left) and _NUMBER.match(right):
        return left, float(right)
    return left, right


def _same(left: JSON, right: JSON) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, str) and isinstance(right, str):
        return left.casefold() == right.casefold()
    left, right = _alike(left, right)
    return bool(left == right)


def _ordered(operator: str, left: JSON, right: JSON) -> bool:
    left, right = _alike(left, right)
    if isinstance(left, str) and isinstance(right, str):
        left, right = left.casefold(), right.casefold()
    elif not (_is_number(left) and _is_number(right)):
        return False
    less, equal = left < right, left == right
    return bool({"<": less, "<=": less or equal, ">": not less and not equal, ">=": not less}[operator])


def _is_number(value: JSON) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
