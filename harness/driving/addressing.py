"""Which operation of a contract a request is for."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, unquote, urlsplit

from harness.contract.model import JSON, Contract, Operation

_PARAMETER = re.compile(r"\{([^{}]+)\}")


def operation_at(contract: Contract, method: str, target: str) -> tuple[Operation, dict[str, JSON]] | None:
    """The operation for a method and a path (a query may follow), with its path parameters as text.

    Of several that fit, the one with the fewest parameters (OpenAPI 3.1, section 4.8.8.2: concrete
    paths come first). None if the contract has none.
    """
    path = urlsplit(target).path
    fitting = [
        (operation, matched)
        for operation in contract.operations.values()
        if operation.method.lower() == method.lower()
        and (matched := _matched(operation.path, path)) is not None
    ]
    return min(fitting, key=lambda pair: len(pair[1]), default=None)


def query_of(target: str) -> dict[str, JSON]:
    """The query as names and text values; of a repeated name, all."""
    parsed = parse_qs(urlsplit(target).query, keep_blank_values=True)
    return {name: values[0] if len(values) == 1 else values for name, values in parsed.items()}


def _matched(template: str, path: str) -> dict[str, JSON] | None:
    pattern = "".join(
        f"(?P<p{at // 2}>[^/]+)" if at % 2 else re.escape(part)
        for at, part in enumerate(_PARAMETER.split(template))
    )
    found = re.fullmatch(pattern, path)
    if found is None:
        return None
    names = _PARAMETER.findall(template)
    return {name: unquote(found[f"p{at}"]) for at, name in enumerate(names)}
