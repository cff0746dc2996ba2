"""How refusals read, on every Python alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from harness.serving.problems import Problem, Reason, problem_answer


@dataclass(frozen=True)
class Asked:
    correlation: str = "c-1"


def told(problem: Problem) -> dict[str, Any]:
    body = problem_answer(problem, Asked()).body
    assert isinstance(body, dict)
    return body


@pytest.mark.parametrize(
    ("status", "title"),
    [
        (404, "Not Found"),
        (413, "Content Too Large"),
        (414, "URI Too Long"),
        (422, "Unprocessable Content"),
        (799, "Error"),
    ],
)
def test_titles_are_those_of_rfc_9110(status: int, title: str) -> None:
    assert told(Problem(status))["title"] == title


def test_the_detail_says_more_than_the_title() -> None:
    body = told(Problem(422, errors=[Reason("/slotId", "names no slot")]))
    assert body["detail"] == "What is wrong with the request is listed under errors."
    assert body["errors"] == [{"pointer": "/slotId", "detail": "names no slot"}]
    assert told(Problem(422, detail="It is over."))["detail"] == "It is over."
