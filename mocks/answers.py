"""What a mock answers from the contract alone to a request that passed security and validation.

In this order: what ``Prefer`` asks for (RFC 7240); the named example whose request half the request
repeats; the example that is of the very thing the request addresses; the first documented success's
first example; a generated value. What the contract decides is decided once.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple

from harness.contract.model import JSON, Contract, Operation
from harness.contract.styles import is_json
from harness.serving.exchange import Answer, Request
from harness.serving.problems import Problem
from harness.serving.wire import encode_json
from mocks.documented import Documented, RequestExample, answers, answers_of, request_examples
from mocks.filling import Filling
from mocks.known import Known
from mocks.preferences import NONE, Preferences, acceptable
from mocks.response_headers import ResponseHeaders, response_headers
from mocks.writing import concrete, written

_ANY = frozenset({"", "*/*"})
"""What ``Accept`` says, or does not say, of a caller that takes whatever there is."""


class Chosen(NamedTuple):
    """One documented answer, and the request example that led to it, if one did.

    ``named`` if the caller or a pair named this very example.
    """

    documented: Documented
    matched: RequestExample | None = None
    named: bool = False

    @property
    def how(self) -> str:
        """How it was found, as ``X-Portal-Matched`` says it."""
        if self.documented.example is None:
            return "generated" if self.documented.media is not None else "documented"
        name = self.documented.example.name
        return f"example; name={_word(name)}" if name else "example"


class OperationAnswers:
    """Answers one operation's requests. ``seed`` makes what is generated repeatable."""

    def __init__(self, contract: Contract, operation: Operation, known: Known, seed: int = 1) -> None:
        self._contract = contract
        self._operation = operation
        self._seed = seed + zlib.crc32(operation.id.encode())
        self._filling = Filling(contract, operation, known, self._seed)
        self._headers: dict[int, ResponseHeaders] = {}
        self._texts: dict[int, tuple[JSON, bytes]] = {}
        self._usual: dict[str, list[Documented]] = {}

    @cached_property
    def _all(self) -> tuple[Documented, ...]:
        return answers(self._operation)  # on first use: examples are held to their schemas

    @cached_property
    def _pairs(self) -> tuple[RequestExample, ...]:
        named = {each.example.name for each in self._all if each.example is not None}
        return tuple(pair for pair in request_examples(self._operation) if pair.name in named)

    def answer(self, request: Request, wanted: Preferences = NONE) -> tuple[Answer, str]:
        """The answer, and how it was found (``X-Portal-Matched``).

        Raises Problem: 400 for a preference that names nothing documented, 406.
        """
        chosen = self._chosen(request, wanted)
        documented = chosen.documented
        if wanted.dynamic:
            body = self._filling.dynamic(documented, request)
        else:
            body = self._filling.body(documented, request, chosen.matched, as_it_is=chosen.named)
        headers = self._headers_of(documented).of(request, body)
        how = "prefer" if wanted.chooses else chosen.how
        if documented.media is None:
            return Answer(documented.status, None, headers), how
        content_type = concrete(documented.media.content_type, request.headers.get("accept", ""))
        text = self._text(documented, body, content_type)
        sent = written(body, content_type, documented.media) if text is None else body
        return Answer(documented.status, sent, headers, content_type, text), how

    def _text(self, documented: Documented, body: JSON, content_type: str) -> bytes | None:
        """The JSON text of an example that is answered as it stands, made once; None for any other body."""
        known = self._texts.get(id(body))
        if known is not None and known[0] is body:
            return known[1] if is_json(content_type) else None
        shown = documented.example is not None and documented.example.value is body
        if not shown or documented not in self._all or not is_json(content_type):
            return None
        text = encode_json(body)
        self._texts[id(body)] = (body, text)
        return text

    def of_status(self, request: Request, status: int) -> Answer:
        """The documented answer of one status, where the answer from state cannot be shown as documented."""
        return self.answer(request, Preferences(code=str(status)))[0]

    def _chosen(self, request: Request, wanted: Preferences) -> Chosen:
        accept = request.headers.get("accept", "")
        candidates = self._of_status(wanted.code) if wanted.code is not None else self._all
        if wanted.example is None:
            return self._matching(candidates, request, accept)
        named = _named(candidates, wanted.example)
        if not named:
            raise self._no_example(wanted, candidates)
        return Chosen(_negotiated(named, accept)[0], named=True)

    def _matching(self, candidates: Sequence[Documented], request: Request, accept: str) -> Chosen:
        """The best pair, else the example of the thing addressed, else the first of the first status."""
        if self._pairs:
            weighed = [(weight, pair) for pair in self._pairs if (weight := pair.weight(request))]
            for _, pair in sorted(weighed, key=lambda each: -each[0]):
                named = _named(candidates, pair.name)
                if named and _is_liked(named, candidates, accept):
                    return Chosen(_negotiated(named, accept)[0], pair, named=True)
        usual = self._of_first_status(candidates, accept)
        if len(usual) == 1:
            return Chosen(usual[0])
        return Chosen(next((each for each in usual if self._filling.shows(each, request)), usual[0]))

    def _of_first_status(self, candidates: Sequence[Documented], accept: str) -> list[Documented]:
        """The candidates of the first one's status that the caller takes; looked up where it takes any."""
        if candidates is not self._all or accept not in _ANY:
            return _negotiated([each for each in candidates if each.status == candidates[0].status], accept)
        if accept not in self._usual:
            first = [each for each in candidates if each.status == candidates[0].status]
            self._usual[accept] = _negotiated(first, accept)
        return self._usual[accept]

    def _of_status(self, code: str) -> tuple[Documented, ...]:
        status = int(code) if code.isascii() and code.isdigit() and len(code) == 3 and code >= "200" else 0
        documented = answers_of(self._operation, status) if status else ()
        if not documented:
            known = ", ".join(self._operation.responses) or "nothing"
            raise Problem(400, detail=f"Prefer: code={code} is not documented here. Documented: {known}.")
        return documented

    def _no_example(self, wanted: Preferences, candidates: Sequence[Documented]) -> Problem:
        names = dict.fromkeys(each.example.name for each in candidates if each.example and each.example.name)
        known = f"Documented: {', '.join(names)}." if names else "None is documented here."
        code = f" of code {wanted.code}" if wanted.code else ""
        return Problem(400, detail=f"Prefer: there is no example named {wanted.example}{code}. {known}")

    def _headers_of(self, documented: Documented) -> ResponseHeaders:
        if documented.status not in self._headers:
            made = response_headers(self._contract, self._operation, documented.response, self._seed)
            self._headers[documented.status] = made
        return self._headers[documented.status]


@lru_cache(256)
def _word(name: str) -> str:
    """A name as a parameter's value (RFC 9110, 5.6.6), fit for a header."""
    if re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
        return name
    plain = name.encode("ascii", "replace").decode()
    return '"' + re.sub(r"[^ -~]", " ", plain).replace("\\", "").replace('"', "") + '"'


def _named(candidates: Sequence[Documented], name: str) -> list[Documented]:
    """Those with an example of this name, of the first status that has one."""
    named = [each for each in candidates if each.example and each.example.name == name]
    return [each for each in named if each.status == named[0].status]


def _is_liked(named: Sequence[Documented], candidates: Sequence[Documented], accept: str) -> bool:
    """Whether the caller likes no other form better, of the same answer, than those with an example."""
    own = _forms(named)
    others = _forms([each for each in candidates if each.status == named[0].status])
    return acceptable(accept, (*own, *others)) in (None, *own)


def _forms(candidates: Sequence[Documented]) -> list[str]:
    return [each.media.content_type for each in candidates if each.media is not None]


def _negotiated(candidates: Sequence[Documented], accept: str) -> list[Documented]:
    """The candidates written as the caller likes best. An error is answered whatever is accepted."""
    offered = _forms(candidates)
    if not offered:
        return list(candidates)
    liked = acceptable(accept, offered)
    if liked is None and candidates[0].status < 400:
        raise Problem(406, detail=f"This answer can be written as {', '.join(dict.fromkeys(offered))}.")
    return [each for each in candidates if each.media and each.media.content_type == (liked or offered[0])]
