"""May those who may, are all others refused, and does no refusal say more than it must?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from harness.checks.check import Check, Verdicts
from harness.contract.model import Operation, System
from harness.driving.actors import claims_for, needs_token
from harness.driving.bench import Bench
from harness.driving.calls import Exchange
from harness.driving.listings import (
    Listing,
    items_in,
    listings,
    required_query,
    subject_of_list,
    subject_property,
    walk,
)
from harness.driving.placing import place, split
from harness.driving.refusals import stranger_to
from harness.driving.relations import Standing, difference, leaked, refusal_status, standings
from harness.driving.requests import Prepared, again, inconclusive, send, successful
from harness.driving.things import exist, read
from harness.driving.tokens import bad_tokens
from harness.errors import StateError
from harness.findings import Result
from harness.target import Limits, Target

NAME = "access"
_UNKNOWN = "zzzzzzzzzz"


@dataclass(slots=True)
class _Tally:
    """What was tried on one operation and held."""

    allowed: int = 0
    refused: int = 0
    tokens: int = 0

    def __str__(self) -> str:
        return f"{self.allowed} allowed, {self.refused} refused, {self.tokens} bad tokens refused"


def run(system: System, target: Target, limits: Limits) -> Iterator[Result]:
    """The matrix of actor, relation and operation, then tokens, then what lists show.

    Raises HarnessError where the target cannot be reached or no token can be had.
    """
    verdicts = Verdicts(NAME, target.service)
    missing: set[str] = set()
    with Bench(system, target, limits) as bench:
        for operation in bench.operations():
            if not operation.access and not needs_token(operation):
                continue
            tally, clean = _Tally(), True
            for result in _operation(bench, verdicts, operation, tally, missing):
                clean = False
                yield result
            cases = tally.allowed + tally.refused + tally.tokens
            if clean and cases:
                yield verdicts.passed(operation.id, str(tally), cases)
            elif clean:
                yield verdicts.untold(operation.id, "no actor and no bad token could be tried on it")
        for listing in listings(bench):
            yield from _list(bench, verdicts, listing)
        for name in sorted(missing):
            yield verdicts.not_applicable("", name)


def _operation(
    bench: Bench, verdicts: Verdicts, operation: Operation, tally: _Tally, missing: set[str]
) -> Iterator[Result]:
    try:
        good = successful(bench, operation)
        if operation.access:
            yield from _matrix(bench, verdicts, good, tally)
        if needs_token(operation):
            yield from _tokens(bench, verdicts, good, tally, missing)
    except StateError as error:
        yield verdicts.untold(operation.id, error)


def _matrix(bench: Bench, verdicts: Verdicts, good: Prepared, tally: _Tally) -> Iterator[Result]:
    operation, subject = good.call.operation, good.subject
    stranger = stranger_to(bench, subject) if subject is not None else None
    before = read(bench, good.thing) if good.thing is not None else None
    refused: list[Exchange] = []
    for standing in standings(operation, subject, stranger):
        if standing.allowed:
            finding = _allowed(bench, verdicts, operation, standing)
            tally.allowed += finding is None
        else:
            attempt = again(good.by(standing.claims))
            exchange = send(bench, attempt)
            refused.append(exchange)
            finding = _refused(bench, verdicts, attempt, exchange, standing)
            tally.refused += finding is None
        if finding is not None:
            yield finding
    after = read(bench, good.thing) if good.thing is not None else None
    if before is None or after is None or not refused or any(e.ok for e in refused):
        return
    if (before.status, before.body) != (after.status, after.body):
        yield verdicts.finding(
            operation.id,
            "A refused actor's request changed something",
            f"{after.received()} instead of {before.received()}",
            "who is refused changes nothing",
            operation.place,
            refused[-1].curl(),
        )


def _allowed(bench: Bench, verdicts: Verdicts, operation: Operation, standing: Standing) -> Result | None:
    prepared = successful(bench, operation, actor=standing.actor)
    exchange = send(bench, prepared)
    if exchange.ok:
        return None
    if exchange.status not in {401, 403, 404} or (prepared.assumed and exchange.status == 404):
        why = inconclusive(prepared, exchange) or f"what should succeed was answered {exchange.briefly()}"
        return verdicts.untold(operation.id, why, standing.name)
    return verdicts.finding(
        operation.id,
        f"Somebody who may is refused: {standing.name}",
        exchange.received(),
        f"x-access: {dict(operation.access)}",
        operation.place,
        exchange.curl(),
    )


def _refused(
    bench: Bench, verdicts: Verdicts, attempt: Prepared, exchange: Exchange, standing: Standing
) -> Result | None:
    """The right status, nothing of the subject's data, and the same as for what does not exist."""
    operation = attempt.call.operation
    wanted = refusal_status(operation, standing.actor)
    title, received = "", exchange.received()
    if exchange.status != wanted:
        verb = "is not refused" if exchange.ok else f"is refused with {exchange.status}"
        title = f"Somebody who may not {verb}: {standing.name}"
    elif attempt.thing is not None:
        said = f"{exchange.url} {attempt.call.body!r}"
        texts = leaked(exchange, attempt.thing.document, said)
        if texts:
            title = f"A refusal holds the subject's data: {standing.name}"
            received = f"{len(texts)} texts of the {attempt.thing.schema} stand in the refusal"
    if not title:
        other = _as_unknown(bench, attempt)
        apart = None
        if other is not None:
            unknown, names = other
            apart = difference(exchange, unknown, names)
        if apart is not None:
            title, received = (
                f"A refusal says whether the thing exists: {standing.name}",
                f"differs in {apart}",
            )
    if not title:
        return None
    return verdicts.finding(
        operation.id,
        title,
        received,
        f"{wanted}, the same whether or not it exists; x-access: {dict(operation.access)}",
        operation.place,
        exchange.curl(),
    )


def _as_unknown(bench: Bench, attempt: Prepared) -> tuple[Exchange, dict[str, str]] | None:
    """The same request about what does not exist, and the ids in which the two differ."""
    call, operation = again(attempt).call, attempt.call.operation
    names: dict[str, str] = {}
    address = bench.anatomy.acts_on(operation)
    if address is not None and address.pointer == "/id" and address.parameter in call.path:
        unknown = bench.unknown_id(operation, address)
        names |= {str(call.path[address.parameter]): "ID", str(unknown): "ID"}
        call = replace(call, path={**call.path, address.parameter: unknown})
    elif attempt.subject is not None and (operation.subject or "").startswith("$request."):
        nobody = _nobody(attempt.subject)
        names |= {attempt.subject: "PATIENT", nobody: "PATIENT"}
        call = place(call, operation.subject or "", nobody)
    else:
        return None
    return bench.caller.send(call, attempt.claims), names


def _nobody(subject: str) -> str:
    """An id of the same form that nobody has."""
    if len(subject) == 36 and subject.count("-") == 4:
        return "0000dead-0000-4000-8000-000000000000"
    prefix, dash, rest = subject.rpartition("-")
    return prefix + dash + _UNKNOWN[: max(len(rest), 1)].ljust(len(rest), "z")


def _tokens(
    bench: Bench, verdicts: Verdicts, good: Prepared, tally: _Tally, missing: set[str]
) -> Iterator[Result]:
    operation = good.call.operation
    for bad in bad_tokens(bench.caller, good.claims or claims_for(operation, good.subject)):
        if bad.missing is not None:
            missing.add(f"{bad.name}: {bad.missing}")
            continue
        exchange = bench.caller.send(again(good).call, bad.token)
        if exchange.status in bad.statuses:
            tally.tokens += 1
            continue
        wanted = " or ".join(str(status) for status in sorted(bad.statuses))
        yield verdicts.finding(
            operation.id,
            f"Not refused with {wanted}: {bad.name}",
            exchange.received(),
            f"{wanted}, whatever is asked",
            operation.place,
            exchange.curl(),
        )


def _list(bench: Bench, verdicts: Verdicts, listing: Listing) -> Iterator[Result]:
    """A list of one patient's things, total included, is the same whatever others have."""
    operation = listing.operation
    name = subject_property(bench, listing.item) if listing.item else None
    if listing.item is None or name is None or operation.subject is None:
        return
    try:
        prepared = successful(bench, operation)
        subject = subject_of_list(bench, listing, prepared.call)
        if subject is None:
            return
        plain = replace(prepared.call, query=required_query(prepared.call))
        exist(bench, listing.item, having={name: subject})
        before = walk(bench, listing, plain, prepared.claims)
        exist(bench, listing.item, having={name: stranger_to(bench, subject)})
        after = walk(bench, listing, plain, prepared.claims)
    except StateError as error:
        yield verdicts.untold(operation.id, error, "making two patients' things")
        return
    others = [
        item for item in after.items if isinstance(item, dict) and item.get(name) not in (subject, None)
    ]
    title = ""
    if after.refused is not None or not after.exchanges:
        yield verdicts.untold(operation.id, f"the list was answered {after.last.received()}")
        return
    if not after.items:
        yield verdicts.untold(
            operation.id, f"the list is empty, though a {listing.item} of its patient was made"
        )
        return
    if others:
        title, received = "A list shows another patient's data", f"{len(others)} of {len(after.items)} items"
    elif before.total != after.total:
        title, received = (
            "A list's total counts another patient's data",
            f"{before.total}, then {after.total}",
        )
    if title:
        documented = f"only items whose {name} is the subject's ({split(operation.subject)[0]})"
        curl = after.last.curl()
        yield verdicts.finding(operation.id, title, received, documented, operation.place, curl)
    else:
        shown = len(items_in(listing, after.exchanges[0]))
        yield verdicts.passed(operation.id, f"shows and counts one patient's items only ({shown} on a page)")


CHECK = Check(
    name=NAME,
    run=run,
    needs=frozenset({"access"}),
    sees=(
        "Actors who may and are refused, or may not and are let in; refusals that say whether a thing "
        "exists; lists and totals with other people's data; missing, expired, forged and misdirected tokens."
    ),
    misses="Rules on single fields or confidential content, which no extension word states.",
)
