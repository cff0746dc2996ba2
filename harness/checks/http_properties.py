"""Does every answer keep the OpenAPI contract, whatever is asked? Schemathesis asks; we report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from harness.checks.check import Check
from harness.contract.model import Contract, Operation, System
from harness.driving.property_defects import Defect
from harness.driving.property_run import Reach, Trouble, run_properties
from harness.driving.property_successes import successes
from harness.findings import CouldNotTell, Finding, Passed, Result
from harness.target import Limits, Target

NAME = "http_properties"


def run(system: System, target: Target, limits: Limits) -> Iterator[Result]:
    """A success for each operation, then Schemathesis: examples, coverage, fuzzing and stateful phases.

    One Passed for each operation without a finding. Raises ContractError if Schemathesis cannot load the
    contract, TokenError if tokens are wanted and cannot be had, TargetError if nothing answers.
    """
    contract = system.contracts[target.service]
    if not contract.operations:
        return
    told = _Told(contract)
    for each in successes(system, target, limits):
        if isinstance(each, Defect):
            yield from told.defect(each)
        else:
            told.answered(*each)
    for other in run_properties(contract, target, limits):
        if isinstance(other, Reach):
            yield from told.passed(other)
        elif isinstance(other, Defect):
            yield from told.defect(other)
        else:
            yield told.trouble(other)


class _Told:
    """What has been told of each operation, so that nothing is told twice and nothing marked passes."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._marked: set[str] = set()
        self._titles: set[tuple[str, str, str]] = set()
        self._statuses: dict[str, Counter[int]] = {}

    def answered(self, operation: Operation, status: int) -> None:
        self._statuses.setdefault(operation.id, Counter())[status] += 1

    def trouble(self, trouble: Trouble) -> CouldNotTell:
        name = trouble.operation.id if trouble.operation else ""
        self._marked.add(name)
        return CouldNotTell(NAME, self._contract.service, name, trouble.reason)

    def defect(self, defect: Defect) -> Iterator[Finding]:
        """The defect as a finding; nothing if it was told before."""
        name = defect.operation.id if defect.operation else ""
        same = (name, defect.title, defect.cause)
        self._marked.add(name)
        if same in self._titles:
            return
        self._titles.add(same)
        yield Finding(
            check=NAME,
            service=self._contract.service,
            operation=name,
            title=defect.title,
            received=defect.received,
            documented=defect.documented,
            where=defect.where,
            reproduce=defect.reproduce,
        )

    def passed(self, reach: Reach) -> Iterator[Result]:
        """Operations of which nothing was told: tried and in order, or not tried at all.

        None if there was trouble with the run as a whole: then nobody knows what was left out.
        """
        if "" in self._marked:
            return
        for operation in self._contract.operations.values():
            if operation.id in self._marked:
                continue
            statuses = self._statuses.get(operation.id, Counter()) + reach.statuses.get(
                operation.id, Counter()
            )
            unseen = _unseen(operation, statuses)
            if unseen:
                yield CouldNotTell(NAME, self._contract.service, operation.id, unseen)
                continue
            seen = ", ".join(f"{status} {count} times" for status, count in sorted(statuses.items()))
            title = f"answers keep the contract ({seen})"
            yield Passed(NAME, self._contract.service, operation.id, title, statuses.total())


def _unseen(operation: Operation, statuses: Counter[int]) -> str:
    """What of an operation was never seen, so that nobody can say that it is in order; empty if all was."""
    if not statuses:
        return "no request reached this operation"
    succeeded = any(200 <= each < 300 and operation.response_for(each) is not None for each in statuses)
    return "" if succeeded or not operation.successes else "no request succeeded, so no success was judged"


CHECK = Check(
    name=NAME,
    run=run,
    needs=frozenset(),
    sees=(
        "Statuses, headers, bodies and content types that the contract does not document, invalid requests "
        "that are let in, valid ones that are turned away, tokens that are not asked for, server errors."
    ),
    misses="What an answer means: whether it is the right appointment, and what happens on Kafka.",
)
