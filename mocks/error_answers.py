"""The answer that a fault gives in the place of the right one: the documented one for its status."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

from harness.contract.model import EMPTY, Contract, Operation
from harness.contract.schema import example_of
from harness.errors import ContractError
from harness.serving.exchange import Answer
from harness.serving.problems import Problem, problem_answer
from harness.serving.tracing import Trace
from mocks.documented import Documented, answers_of
from mocks.preferences import acceptable
from mocks.response_headers import response_headers
from mocks.writing import concrete, written

_DETAIL = "This fault was asked for; the request was not processed."


def error_answer(
    contract: Contract,
    operation: Operation | None,
    status: int,
    trace: Trace,
    *,
    headers: Mapping[str, str] = EMPTY,
    seed: int = 1,
) -> Answer:
    """What the contract documents for the status, with its example or a generated body and its headers;
    problem details where it documents nothing. ``headers`` are the request's, for ``Accept``."""
    documented = _documented(operation, status, headers) if operation is not None else None
    if operation is None or documented is None:
        return problem_answer(Problem(status, detail=_DETAIL), trace)
    seed += zlib.crc32(operation.id.encode())
    values = dict(response_headers(contract, operation, documented.response, seed).values)
    if documented.media is None:
        return Answer(status, None, values)
    body = documented.example.value if documented.example is not None else None
    if body is None and documented.media.schema is not None:
        try:
            body = example_of(documented.media.schema, seed)
        except ContractError:  # a schema that nothing fulfils
            return problem_answer(Problem(status, detail=_DETAIL), trace)
    content_type = concrete(documented.media.content_type)
    return Answer(status, written(body, content_type, documented.media), values, content_type)


def _documented(operation: Operation, status: int, headers: Mapping[str, str]) -> Documented | None:
    """The documented answer that the caller likes best; an error is answered whatever is accepted."""
    ways = answers_of(operation, status)
    types = [each.media.content_type for each in ways if each.media is not None]
    liked = acceptable(headers.get("accept", ""), types) or next(iter(types), None)
    return next(
        (each for each in ways if each.media and each.media.content_type == liked), next(iter(ways), None)
    )
