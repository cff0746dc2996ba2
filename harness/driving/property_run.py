"""One run of Schemathesis' engine, in a worker thread, told in our own words."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from harness.contract.cache import cache_folder
from harness.contract.model import Contract, Operation
from harness.driving.calls import come_back
from harness.driving.pact_scene import has_control
from harness.driving.property_defects import Defect, defect_of
from harness.driving.property_models import holds_itself_in_many_ways
from harness.driving.property_setup import Setup
from harness.driving.proxies import off_proxies
from harness.driving.states import States
from harness.errors import StateError
from harness.target import Limits, Target

if TYPE_CHECKING:
    from schemathesis.engine.core import EventStream
    from schemathesis.engine.events import ScenarioFinished

NOISY = ("schemathesis", "hypothesis", "urllib3")
"""Loggers that would write to the console where nobody has configured logging."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that Schemathesis could not do; ``operation`` is None for the run as a whole."""

    operation: Operation | None
    reason: str


@dataclass(slots=True)
class Reach:
    """What was tried: answers by operation and status."""

    statuses: dict[str, Counter[int]] = field(default_factory=dict)


def run_properties(contract: Contract, target: Target, limits: Limits) -> Iterator[Defect | Trouble | Reach]:
    """All phases of Schemathesis against a target; what was reached comes last.

    Bounded by ``limits.cases`` an operation and by time: what was not tried within it is a Trouble.
    Operations whose models hold themselves in many ways come after all others, in what time is left: it is
    theirs alone that may not be enough. Raises ContractError, TokenError.
    """
    begun, budget, reach = time.monotonic(), _budget(contract, limits), Reach()
    for operations, slow in _turns(contract):
        part = replace(contract, operations=operations)
        left = budget - (time.monotonic() - begun)
        for told in _turn(Setup(part, target, limits), max(0.0, left), budget, reach):
            if isinstance(told, Trouble) and told.operation is None and slow:
                yield from (Trouble(each, told.reason) for each in operations.values())
            else:
                yield told
    yield reach


def _turns(contract: Contract) -> Iterator[tuple[dict[str, Operation], bool]]:
    """The operations to try together, and whether they are those that may come to no end."""
    slow = {name for name, each in contract.operations.items() if holds_itself_in_many_ways(each)}
    for wanted in (False, True):
        part = {name: each for name, each in contract.operations.items() if (name in slow) is wanted}
        if part:
            yield part, wanted


def _turn(setup: Setup, left: float, budget: float, reach: Reach) -> Iterator[Defect | Trouble]:
    schema = setup.schema()
    worker = _Worker(setup, schema, reach)
    worker.start()
    try:
        yield from worker.results(left, budget)
    finally:
        worker.stop()
        worker.join(setup.limits.timeout)  # who does not read to the end must not find requests under way


def _budget(contract: Contract, limits: Limits) -> float:
    """Seconds after which a run is given up: some five times what it takes on a slow machine, if nobody says
    otherwise."""
    if limits.budget is not None:
        return limits.budget
    return 60.0 + 0.5 * limits.cases * len(contract.operations)


class _Worker(threading.Thread):
    """Runs the engine and translates its events. A daemon: a hanging engine must not hold the process."""

    def __init__(self, setup: Setup, schema: Any, reach: Reach) -> None:
        super().__init__(name=f"properties of {setup.target.service}", daemon=True)
        self._setup, self._schema = setup, schema
        self._told: queue.SimpleQueue[Defect | Trouble | BaseException | None] = queue.SimpleQueue()
        self._stream: EventStream | None = None
        self._stopped = False
        self._seen: set[Any] = set()
        self._reach = reach

    def results(self, left: float, budget: float) -> Iterator[Defect | Trouble]:
        """What the engine finds, as it finds it, until it is done or what is left of the budget is spent."""
        deadline = time.monotonic() + left
        given_up = False
        while True:
            try:
                told = self._told.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                if given_up:
                    return
                given_up = True
                yield Trouble(
                    None, f"not everything was tried within {budget:.0f} s; --budget SECONDS gives it more"
                )
                self.stop()
                deadline = time.monotonic() + self._setup.limits.timeout
                continue
            if isinstance(told, BaseException):
                raise told
            if told is None:
                return
            yield told

    def stop(self) -> None:
        self._stopped = True
        if self._stream is not None:
            self._stream.stop()

    def run(self) -> None:
        try:
            with _quiet(), off_proxies():
                self._consume()
            self._told.put(None)
        except BaseException as error:  # it is raised again where results are read
            self._told.put(error)

    def _consume(self) -> None:
        from schemathesis.engine import events, from_schema

        self._stream = from_schema(self._schema).execute()
        if self._stopped:  # before there was anything to stop
            return
        for event in self._stream:
            if isinstance(event, events.PhaseStarted):
                self._seed(event)
            elif isinstance(event, events.ScenarioFinished):
                self._scenario(event)
            elif isinstance(event, events.NonFatalError):
                self._trouble(self._setup.operations.get(event.label), event)
            elif isinstance(event, events.FatalError):
                raise event.exception

    def _trouble(self, operation: Operation | None, event: Any) -> None:
        """Tell of an error once, however many requests and phases met it."""
        seen = (operation.id if operation else "", event.info.title, event.info.message)
        if seen not in self._seen:
            self._seen.add(seen)
            self._told.put(Trouble(operation, _reason(event)))

    def _seed(self, event: Any) -> None:
        """Put the contract's examples in again, so that every phase finds what they speak of."""
        from schemathesis.engine.run import TESTING_PHASES

        if not has_control(self._setup.target) or event.phase.name not in TESTING_PHASES:
            return
        with States(self._setup.target, self._setup.limits) as states:
            try:
                states.reset()
            except StateError as error:
                self._told.put(Trouble(None, error.paragraph()))

    def _scenario(self, event: ScenarioFinished) -> None:
        recorder = event.recorder
        for case_id, interaction in recorder.interactions.items():
            if interaction.response is not None and case_id in recorder.cases:
                label = recorder.cases[case_id].value.operation.label
                counter = self._reach.statuses.setdefault(self._operation_id(label), Counter())
                counter[interaction.response.status_code] += 1
        for case_id, checks in recorder.checks.items():
            for check in checks:
                if check.failure_info is not None:
                    self._failure(recorder, case_id, check.failure_info.failure)

    def _failure(self, recorder: Any, case_id: str, failure: Any) -> None:
        """Tell of a failure once: Schemathesis compares failures by kind, operation and cause."""
        if failure in self._seen or self._is_beyond(failure):
            return
        case_id = failure.case_id or case_id
        label = recorder.cases[case_id].value.operation.label
        operation = self._setup.operations.get(failure.operation or label) or self._setup.operations.get(
            label
        )
        if _was_busy(recorder.interactions[case_id]):
            self._seen.add(failure)
            self._told.put(Trouble(operation, "it was too busy: it answered 503 with Retry-After"))
            return
        defect = defect_of(failure, recorder, case_id, operation)
        if defect is not None:
            self._seen.add(failure)
            self._told.put(defect)

    def _is_beyond(self, failure: Any) -> bool:
        """Whether it asks for more than the target offers: to know whose tokens are good ones."""
        unknowing = "access" not in self._setup.target.capabilities
        return unknowing and type(failure).__name__ == "IgnoredAuth" and "invalid" in failure.title.lower()

    def _operation_id(self, label: str) -> str:
        operation = self._setup.operations.get(label)
        return operation.id if operation else label


def _was_busy(interaction: Any) -> bool:
    """Whether the answer says nothing but to come back."""
    response = interaction.response
    if response is None:
        return False
    headers = {name.lower(): values[0] for name, values in response.headers.items()}
    return come_back(response.status_code, headers) is not None


def _reason(event: Any) -> str:
    """An engine's error in one line, without its traceback."""
    parts = [event.info.title, event.info.message, *(str(each) for each in event.info.extras)]
    what = " ".join(": ".join(part for part in parts if part).split())
    phase = event.phase.value if event.phase is not None else "a"
    return f"Schemathesis, {phase} phase: {what[:500]}"


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep warnings, loggers and working files of the libraries away from the user's console and folder.

    What Hypothesis computes of Unicode, seconds long, is kept for the next run; what it learnt is not.
    """
    from hypothesis.configuration import set_hypothesis_home_dir

    silencers = [(logging.getLogger(name), logging.NullHandler()) for name in NOISY]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        set_hypothesis_home_dir(cache_folder().with_name("hypothesis"))
        for logger, handler in silencers:
            logger.addHandler(handler)
        try:
            yield
        finally:
            set_hypothesis_home_dir(None)
            for logger, handler in silencers:
                logger.removeHandler(handler)
