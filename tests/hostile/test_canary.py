"""What is marked ``x-phi`` is in answers to who may have it, and nowhere else."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
from rich.console import Console

from harness import reports, runner
from harness.checks import CHECKS
from harness.contract import load_system
from harness.contract.model import JSON, Operation
from harness.contract.phi import WITHHELD
from harness.findings import Finding
from harness.kafka.listening import Listener
from harness.reports.console import ConsoleReport
from harness.reports.outcome import Outcome
from harness.target import Claims, Limits, Target
from tests.conftest import ROOT
from tests.faulty_services.breaking import Break, Event, Reply
from tests.faulty_services.running import broken, broker_for
from tests.hostile.canary import Canaries, forms, marked, strewn, with_canaries
from tests.hostile.defender import KINDS, Defender, Kind, defending
from tests.hostile.message import put
from tests.hostile.raw import Conversation, ask, request

SERVICES = tuple(
    name for name, each in load_system(ROOT / "contracts").contracts.items() if list(marked(each))
)
"""Those that hold what is marked at all."""

LENGTH = 3
"""How many canaries are tried where none belongs: they lie in the order of their forms."""


@pytest.fixture(scope="module")
def canaries(contracts: Path, tmp_path_factory: pytest.TempPathFactory) -> Canaries:
    return with_canaries(contracts, tmp_path_factory.mktemp("canaries"))


def test_every_marked_value_is_a_canary(canaries: Canaries) -> None:
    system = load_system(canaries.folder)
    values = {value for contract in system.contracts.values() for _, value in marked(contract)}
    assert values
    assert values <= canaries.values
    assert {name for name, each in system.contracts.items() if list(marked(each))} == set(SERVICES)


def test_a_canary_is_known_in_every_writing(canaries: Canaries) -> None:
    for canary in canaries.values:
        for written in forms(canary):
            assert canaries.in_text(f"GET /a?b={written}&c") == [canary]
    assert canaries.in_bytes(b"canary") == []


def requests(defender: Defender, operation: Operation, canaries: Canaries) -> Iterator[bytes]:
    """A good request as the contract's examples make it, then bad ones with canaries in wrong places."""
    some = sorted(canaries.values)[:: max(1, len(canaries.values) // LENGTH)]
    body = _example_body(operation)
    staff = defender.token(actor="staff", patient=None, sub="staff-1")
    for token in (staff, defender.token(), staff[:-4], ""):
        yield _written(operation, token, body)
    for each in strewn(body, some) if body is not None else ():
        yield _written(operation, staff, each)
    if body is not None:
        whole = json.dumps(body)
        yield _written(operation, staff, whole[:-1].encode())
        yield _written(operation, staff, f'{whole} "{some[0]}"'.encode())
        yield _written(operation, staff, body, kind="text/plain")


def _example_body(operation: Operation) -> JSON:
    content = operation.body.content if operation.body else {}
    return next((each.value for media in content.values() for each in media.examples), None)


def _written(operation: Operation, token: str, body: JSON | bytes, kind: str = "application/json") -> bytes:
    path, query = operation.path, []
    headers: list[tuple[str, str] | bytes] = [("Authorization", f"Bearer {token}")]
    for parameter in operation.parameters:
        value = next((each.value for each in parameter.examples), None)
        if parameter.location == "path":
            path = path.replace("{" + parameter.name + "}", str(value or "x"))
        elif parameter.location == "query" and parameter.required:
            query.append(f"{parameter.name}={value}")
    names = {parameter.name for parameter in operation.parameters}
    headers += [("Idempotency-Key", str(uuid.uuid4()))] if "Idempotency-Key" in names else []
    headers += [("If-Match", "*")] if "If-Match" in names else []
    raw = b""
    if body is not None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers.append(("Content-Type", kind))
    return request(operation.method.upper(), path + ("?" if query else "") + "&".join(query), headers, raw)


def driven(defender: Defender, canaries: Canaries) -> list[Conversation]:
    """Every operation, asked well and badly."""
    wanted = [
        each
        for operation in defender.contract.operations.values()
        for each in requests(defender, operation, canaries)
    ]

    async def all_of_them() -> list[Conversation]:
        gate = asyncio.Semaphore(8)

        async def one(each: bytes) -> Conversation:
            async with gate:
                return await ask(defender.address, each, quiet=0.01)

        return list(await asyncio.gather(*map(one, wanted)))

    return asyncio.run(all_of_them())


def told_by_control(defender: Defender, canaries: Canaries) -> Iterator[str]:
    """What the control endpoints say of states that cannot be."""
    canary = min(canaries.values)
    for schema in defender.contract.schemas:
        for parameters in ({"id": canary}, {canary: canary}, {"status": canary, "patientId": [canary]}):
            state = {"state": f"{schema} exists", "action": "setup", "parameters": parameters}
            try:
                defender.controlled("/states", state)
            except HTTPError as error:
                with error:
                    yield error.read().decode()


@pytest.mark.parametrize("kind", KINDS)
def test_services_keep_it_to_themselves(kind: Kind, canaries: Canaries) -> None:
    """All of them together, so that what one tells the others is heard too."""
    talks: dict[str, list[Conversation]] = {}
    with (
        defending(kind, canaries.folder, alone=False) as scheduling,
        Listener(scheduling.broker, sorted(scheduling.system.topics)) as listener,
    ):
        for service in SERVICES:
            defender = replace(scheduling, service=service)
            talks[service] = driven(defender, canaries)
            for said in told_by_control(defender, canaries) if defender.control is not None else ():
                assert not canaries.in_text(said), said
        good = scheduling.good_message()
        put(scheduling.broker, [good, good.but({"ce_id": "e-1"}, value=b"{")])
        listener.settle(1.0)
        records = listener.records
        output = scheduling.written()

    for service in SERVICES:
        replies = [reply for talk in talks[service] for reply in talk.replies]
        entitled = [reply for reply in replies if reply.status < 300 and canaries.in_bytes(reply.body)]
        refused = [reply for reply in replies if reply.status >= 400]
        assert entitled, f"no answer of {service} held a canary: nothing was tried"
        assert len(refused) > 10
        for reply in replies:
            assert not canaries.in_text(str(dict(reply.headers)))
        for reply in refused:
            assert not canaries.in_bytes(reply.body), reply.body
    assert {record.topic for record in records} > {scheduling.dead_letter, scheduling.events}
    for record in records:
        assert not canaries.in_text(record.key or ""), record
        assert not canaries.in_text(str(record.texts())), record
        assert not canaries.in_bytes(record.value), record
    assert not canaries.in_text(output)
    assert "Traceback" not in output


def _shows_too_much(reply: Reply) -> None:
    """An answer that breaks its schema in a way that makes a report quote it."""
    body: Any = reply.body
    body["note"] = f"see {body.get('reason')}"
    body["status"] = "unheard-of"
    reply.headers["x-reason"] = str(body.get("reason"))


def _repeats(reply: Reply) -> None:
    body: Any = reply.body
    body["status"] = "no number"


def _tells(event: Event) -> Sequence[Event]:
    """An event that carries what it must not, where it must not; none where somebody books."""
    about = event.topic == "portal.scheduling.appointment.v1"
    if about and event.payload.get("reason") == "requested":
        return ()
    return (event.with_header("x-reason", _Told.reason),) if about else (event,)


class _Told:
    """A canary that a faulty service puts into its events' headers."""

    reason = ""


FAULTY = Break(
    answers=dict.fromkeys(("getAppointment", "bookAppointment", "cancelAppointment"), _shows_too_much),
    refusals={"bookAppointment": _repeats},
    events=_tells,
)
QUICK = ("http_pacts", "events", "cause_and_effect")


def test_reports_and_console_say_neither_it_nor_a_token(canaries: Canaries, tmp_path: Path) -> None:
    system = load_system(canaries.folder)
    tokens: set[str] = set()
    _Told.reason = next(value for schema, value in marked(system.contracts["scheduling"]))
    outcome, printed = Outcome(), StringIO()
    with (
        broker_for(system) as embedded,
        broken(system, "scheduling", FAULTY, embedded.broker) as target,
        ConsoleReport(Console(file=printed, width=200)) as shown,
    ):
        watched = _minting(target, tokens)
        checks = [check for check in CHECKS if check.name in QUICK]
        limits = Limits(cases=2, settle=0.5)
        plan = runner.Plan(system, {"scheduling": lambda: nullcontext(watched)}, checks, limits)
        for event in runner.run(plan):
            outcome.add(event)
            shown.add(event)
    shown.close()
    findings = [each for each in outcome.results if isinstance(each, Finding)]
    assert {each.check for each in findings} == set(QUICK), "nothing to report, nothing tried"
    assert any("--data" in each.reproduce and WITHHELD in each.reproduce for each in findings)
    assert tokens

    texts: Mapping[str, str] = {
        "console": printed.getvalue(),
        **{path.name: path.read_text(encoding="utf-8") for path in reports.write(outcome, tmp_path)},
    }
    for name, text in texts.items():
        assert "scheduling" in text, name
        assert not canaries.in_text(text), (name, canaries.in_text(text))
        assert not [token for token in tokens if token in text or token.rpartition(".")[2] in text], name


def _minting(target: Target, tokens: set[str]) -> Target:
    """The target, with every token that it gives out remembered."""
    mint = target.tokens
    assert mint is not None

    def remembered(claims: Claims) -> str:
        token = mint(claims)
        tokens.add(token)
        return token

    return replace(target, tokens=remembered)


def test_a_code_of_digits_is_known_where_it_stands_alone() -> None:
    canaries = Canaries(Path(), frozenset({"28520-5"}))
    assert not canaries.in_text("urn:correlation:f7f28520-599c-409e-a4b0-d8d6a87f0d24")
    assert canaries.in_text('"code":"28520-5"') == canaries.in_text("code=28520-5&") == ["28520-5"]
