"""Does the provider answer as its consumers were promised? Pact compares; we make states and tokens."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.check import Check
from harness.contract.model import Contract, Operation, System
from harness.driving.addressing import operation_at
from harness.driving.pact_files import Interaction, read_pacts
from harness.driving.pact_relay import Relay, Relayed
from harness.driving.pact_run import Job, Verdict, verify
from harness.driving.pact_scene import Scene, cannot_prepare, has_control
from harness.driving.phi import Discretion
from harness.driving.states import States
from harness.findings import CouldNotTell, Finding, Passed, Result
from harness.target import Limits, Target, offer_control

NAME = "http_pacts"


def run(system: System, target: Target, limits: Limits) -> Iterator[Result]:
    """One result for each HTTP interaction of every pact whose provider is this target's service.

    Raises ProcessError if Pact's verifier fails, StateError if the target cannot be reset.
    """
    contract = system.contracts[target.service]
    files, errors = read_pacts(system.pacts, contract.service)
    for error in errors:
        yield CouldNotTell(NAME, contract.service, "", error.paragraph())
    for each in (other for file in files for other in file.interactions if other.kind == "other"):
        why = f"interactions of the kind {each.raw.get('type')} are not understood"
        yield CouldNotTell(NAME, contract.service, "", why, trying=each.name)
    wanted = [each for file in files for each in file.interactions if each.kind == "http"]
    numbered: dict[int, Interaction] = {}
    for number, each in enumerate(wanted, 1):
        reason = cannot_prepare(each, contract, target)
        if reason:
            yield CouldNotTell(
                NAME, contract.service, operation_name(contract, each), reason, _remedy(target), each.name
            )
        else:
            numbered[number] = each
    if not numbered:
        return
    with States(target, limits) as states:
        scene = Scene(contract, target, states, numbered)
        with Relay(target, limits, scene) as relay:
            verdicts = verify(Job(contract.service, files, numbered, url=relay.url, timeout=limits.timeout))
        if has_control(target):
            states.reset()
    for number, each in numbered.items():
        yield _result(contract, each, verdicts[number], relay.relayed.get(number))


def _remedy(target: Target) -> str:
    return "" if has_control(target) else offer_control(target)


def operation_name(contract: Contract, interaction: Interaction) -> str:
    """The operationId that an interaction's request is for, or empty."""
    operation = _operation(contract, interaction)
    return operation.id if operation else ""


def _operation(contract: Contract, interaction: Interaction) -> Operation | None:
    request = interaction.raw.get("request") or {}
    found = operation_at(contract, str(request.get("method", "GET")), str(request.get("path", "/")))
    return found[0] if found else None


def _result(
    contract: Contract, interaction: Interaction, verdict: Verdict, relayed: Relayed | None
) -> Result:
    operation = operation_name(contract, interaction)
    if relayed is not None and relayed.error is not None:
        why = relayed.error.paragraph()
        return CouldNotTell(NAME, contract.service, operation, why, trying=interaction.name)
    if verdict.error:
        return CouldNotTell(NAME, contract.service, operation, verdict.error, trying=interaction.name)
    if not verdict.mismatches:
        return Passed(NAME, contract.service, operation, interaction.name)
    operation_ = _operation(contract, interaction)
    shown = relayed.discretion(operation_) if relayed else Discretion(operation_)
    differences = shown.text("; ".join(f"{each.at}: {each.detail}" for each in verdict.mismatches))
    return Finding(
        check=NAME,
        service=contract.service,
        operation=operation,
        title=f"Not what {interaction.consumer} relies on: {interaction.description}",
        received=f"{differences} (in {relayed.received(shown)})" if relayed else differences,
        documented=shown.text("; ".join(f"{each.at} {each.expected}" for each in verdict.mismatches)),
        where=interaction.place,
        reproduce=relayed.curl(shown) if relayed else "",
    )


CHECK = Check(
    name=NAME,
    run=run,
    needs=frozenset(),
    sees="Answers that a consumer's pact relies on and the provider does not give.",
    misses="What no consumer has written down.",
)
