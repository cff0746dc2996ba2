"""Work: one transaction of a service, and everything a handler may do in it.

What a handler looks like (found by name in ``reference_services.<service>.handlers``)::

    def bookAppointment(work: Work, request: Request) -> Aggregate | Page | Answer | None
    def appointmentChanged(work: Work, message: IncomingMessage) -> None
    def afterSlotFree(work: Work, slot: Aggregate) -> None          # optional, see below

- An HTTP handler is named by its operationId. ``Aggregate`` becomes the documented success status (201
  where it was created here and 201 is documented), its document as the body and ``ETag: "<version>"``;
  ``Page`` becomes a list answer; None becomes 204; ``Answer`` is sent as it is (its body decides what an
  explicit ``x-emits`` says). Refuse by raising ``harness.serving.problems.Problem``: nothing is kept.
- A message handler is named by its AsyncAPI receive operation. The message was validated and not seen
  before. Whatever it raises undoes the transaction: a ``Problem`` is final (dead letter at once), anything
  else is tried again as ``x-retry`` says and then goes to the dead letter.
- A timer handler is named ``after<Schema><To>`` (``afterSlotFree``, ``afterAppointmentCheckedIn``) for a
  lifecycle transition by ``{after: ...}``. Without one the platform does ``work.change(aggregate)``;
  with one the handler does that itself, with whatever belongs to it.

The platform keeps, and a handler need not think of: access (``x-access`` against the stored subject),
``If-Match``, ``Idempotency-Key``, lifecycles, events (in the transaction's outbox), unique keys. A handler
may run again from the start after a conflict: its only effects are those it has through ``Work``.

A module may say ``UNIQUE = {"Device": ("token",), "Coverage": (("payerId", "memberId"),)}``: properties,
or groups of them, that no two aggregates of a type may share; a second one is refused with 409. ``CHAINED``
are types whose aggregates build on one another, so that no copies can be made of them (``portal seed``).

Documents must keep their component schema whenever they are written; what a service remembers beyond it
goes into properties whose name begins with ``_``. A field set to None is taken out of the document, unless
its schema admits null. ``version``, where the schema has it, and the status are set by the platform.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from harness.contract.model import EMPTY, JSON, Emission, Transition
from harness.errors import ContractError
from harness.serving.access import stands_for
from harness.serving.exchange import Answer, Request
from harness.serving.problems import Problem
from harness.serving.sight import EVERYTHING, no_such_thing
from reference_services.platform import belongings, calls, paging, records, relations, timers
from reference_services.platform.aggregate import Aggregate, Between, Page
from reference_services.platform.kinds import Kind, check_document
from reference_services.platform.paging import Where
from reference_services.platform.preconditions import Precondition
from reference_services.platform.situation import IncomingMessage, Knowledge, Situation
from reference_services.platform.store import Transaction
from reference_services.platform.telling import Telling
from reference_services.platform.values import instant

__all__ = ["Aggregate", "Between", "IncomingMessage", "Page", "Where", "Work"]

_RESETTLED = "_Resettled"
"""Bookkeeping: which patient's record became whose."""

Unique = Iterable[str | tuple[str, ...]]


class Work:
    """One transaction. ``request`` or ``message`` is its cause; a timer has neither.

    ``now`` is the service's time (UTC, aware), the same throughout. ``actor`` is the token's ``actor``
    (``service`` for messages and timers), ``claims`` are all of its claims. ``cause`` says what the events
    will name as theirs, ``driver`` what moves lifecycles. ``patient`` is whose the first thing was that the
    caller got.
    """

    def __init__(self, transaction: Transaction, knowledge: Knowledge, situation: Situation) -> None:
        self._transaction, self._knowledge, self._situation = transaction, knowledge, situation
        self.request, self.message = situation.request, situation.message
        self.now, self.cause, self.driver = situation.now, situation.cause, situation.driver
        self.service = knowledge.contract.service
        self.claims: Mapping[str, JSON] = EMPTY if self.request is None else self.request.claims
        self.actor = "service" if self.request is None else str(self.claims.get("actor", ""))
        self._precondition = Precondition(situation.plan, self.request)
        self._internal: set[tuple[str, str]] = set()
        self._made: set[tuple[str, str]] = set()
        self._telling = Telling(transaction, knowledge, situation)
        self._touched: Aggregate | None = None
        self.patient: str | None = None

    def get(self, type: str, id: str, *, internal: bool = False) -> Aggregate:
        """The aggregate with this id.

        Raises Problem 404, in the same words, where there is none and where the actor may not see it;
        then, where the operation declares ``If-Match`` and addresses this aggregate, 428 without one and
        412 with a stale one. ``internal`` leaves out access and If-Match: for things that the domain
        needs and the caller does not address (the slot of an appointment).
        """
        found = self.peek(type, id) if internal else records.read(self._transaction, type, id)
        if found is None or not (internal or self._situation.sight.sees(found.subject)):
            raise no_such_thing(None if found is None else found.subject)
        if not internal:
            self.patient = self.patient or found.subject
            self._precondition.check_addressed(found)
        return found

    def peek(self, type: str, id: str) -> Aggregate | None:
        """The aggregate with this id whoever asks, or None. Answer nothing from it that access guards."""
        self._internal.add((type, id))
        return records.read(self._transaction, type, id)

    def find(
        self, type: str, where: Where = EMPTY, *, internal: bool = False, limit: int | None = None
    ) -> list[Aggregate]:
        """All that match, oldest first; only those that the actor may see unless ``internal``."""
        sight = EVERYTHING if internal else self._situation.sight
        conditions = paging.conditions(type, where, sight, absent=True)
        found = records.search(self._transaction, conditions, limit)
        if internal:
            self._internal.update((type, each.id) for each in found)
        return found

    def in_order(self, type: str, name: str) -> Iterator[Aggregate]:
        """All that have this property, in its order, whoever asks: to be gone through, not to be changed."""
        return records.in_order(self._transaction, type, name)

    def holder(self, type: str, name: str, value: JSON) -> Aggregate | None:
        """The one that has this value of a property that is unique (an item of it, where it is a list)."""
        found = records.holder(self._transaction, type, name, value)
        return found if found is not None and self._situation.sight.sees(found.subject) else None

    def resettle(self, old: str, new: str, *, leaving: Collection[str] = ()) -> None:
        """Make all that is of one patient another's, without an event: a merge is told by its own.

        What is kept under the patient's own id stays; a handler knows what becomes of it. Types that are
        ``leaving`` stay as they were written, too: a list finds theirs by ``records_of``.
        """
        for kind in self._knowledge.kinds.values():
            if kind.name in leaving:
                continue
            if kind.subject is not None and kind.subject != "id" and "." not in kind.subject:
                for each in self.find(kind.name, {kind.subject: old}, internal=True):
                    self.save(each, **{kind.subject: new})
        relations.resettle(self._transaction, old, new)
        if self.peek(_RESETTLED, old) is None:
            self.create(_RESETTLED, {"to": new}, id=old)

    def settled(self, patient: str) -> str:
        """Who this patient is by now: a message may still name a record that was merged since."""
        passed: set[str] = set()
        while patient not in passed and (found := self.peek(_RESETTLED, patient)) is not None:
            passed.add(patient)
            patient = found["to"]
        return patient

    def records_of(self, patient: str) -> list[str]:
        """Every record that is this patient's by now: the own one first, then all that were merged into it.

        None of one that was merged into another itself.
        """
        if self.settled(patient) != patient:
            return []
        found = [patient]
        for record in found:  # it grows on the way
            merged = self.find(_RESETTLED, {"to": record}, internal=True)
            found += [each.id for each in merged if each.id not in found]
        return found

    def page(
        self,
        type: str,
        request: Request,
        where: Where = EMPTY,
        *,
        order: str | None = None,
        newest: bool = False,
        internal: bool = False,
    ) -> Page:
        """A page of those that match and the actor may see, by the query's ``limit`` and ``cursor``.

        Entries of ``where`` that are None are left out here, so that optional query parameters can be
        handed on as they are. ``order`` is a property (ascending; equal ones and without it: as they were
        created); ``newest`` turns the order round. ``internal`` leaves out access to each item, for lists of
        which the request says whose they are: what stands under another record of that patient's is not the
        subject's by name. What is inserted meanwhile neither hides nor doubles an item. Raises Problem for a
        cursor that is none of this list's: 422 where the operation documents it, else 400.
        """
        plan = self._situation.plan
        if plan is None:
            raise TypeError("only a request asks for pages")
        if order is not None and order.partition(".")[0] in self._knowledge.kind(type).phi:
            raise ValueError(f"{order} is x-phi: a cursor would carry it into URLs")
        wish = paging.wish_of(plan, request, order, newest)
        sight = EVERYTHING if internal else self._situation.sight
        conditions = paging.conditions(type, where, sight, absent=False)
        return paging.read(self._transaction, type, conditions, wish)

    def create(
        self,
        type: str,
        document: Mapping[str, JSON],
        *,
        id: str | None = None,
        unique: Unique = (),
        because: str | None = None,
    ) -> Aggregate:
        """Keep something new, in the state in which its lifecycle begins by this cause.

        Its id is ``id``, else the document's, else a fresh one; the status property may be left out. Emits
        the lifecycle's event. Raises Problem 409 if a unique key or the id is taken.
        """
        kind, cause = self._knowledge.kind(type), self._situation.cause
        kept = records.stored(document)
        chosen = id or kept.get("id") or kind.new_id()
        self._precondition.check_new(chosen)
        edge = self._beginning(kind, kept)
        aggregate = Aggregate(
            type, chosen, 1, kept, entered_at=instant(self.now), correlation=cause.correlation,
            uniques=tuple(dict.fromkeys((*kind.unique, *records.unique_names(unique)))),
        )  # fmt: skip
        self._lay(aggregate, kind, {"id": chosen} if kind.identified else {}, edge)
        try:
            records.add(self._transaction, aggregate)
        except records.Taken as taken:
            raise _taken(taken) from None
        self._made.add((type, chosen))
        self._happened(aggregate, kind, edge, (None, EMPTY), because)
        return aggregate

    def change(self, aggregate: Aggregate, *, because: str | None = None, **fields: JSON) -> Aggregate:
        """Make the transition that this cause drives, laying ``fields`` over the document.

        The transition is the lifecycle's for this cause, the current state and ``when`` (seen with the new
        fields; name the status property in ``fields`` if several fit). Emits its event, with ``because`` as
        the event's ``reason`` (a code, never free text). Raises Problem 409 if none fits. A type without
        lifecycle is saved. Where another aggregate's timer is the cause, those that follow it (``of``) fit.
        """
        kind = self._knowledge.kind(aggregate.type)
        if kind.rules is None:
            return self.save(aggregate, **fields)
        self._match(aggregate)
        edge = self._edge(aggregate, fields)
        if edge is None:
            raise Problem(409, detail="Its status does not allow this.")
        self._write(aggregate, kind, fields, edge, because)
        return aggregate

    def can_change(self, aggregate: Aggregate, **fields: JSON) -> bool:
        """Whether ``change`` would find a transition."""
        kind = self._knowledge.kind(aggregate.type)
        return kind.rules is None or self._edge(aggregate, fields) is not None

    def save(self, aggregate: Aggregate, **fields: JSON) -> Aggregate:
        """Lay ``fields`` over the document without a transition: version up, no lifecycle event."""
        kind = self._knowledge.kind(aggregate.type)
        self._match(aggregate)
        if kind.rules is not None and fields.get(kind.rules.status, aggregate.status) != aggregate.status:
            raise TypeError(f"save must not change {aggregate.type}.{kind.rules.status}: use change")
        self._write(aggregate, kind, fields, None, None)
        return aggregate

    def delete(self, aggregate: Aggregate) -> None:
        """Remove it. ``If-Match`` is checked as in ``get``."""
        self._match(aggregate)
        records.remove(self._transaction, aggregate)
        self._touched = aggregate

    def belongings(self, patient: str, actor: str) -> list[Aggregate]:
        """All that is kept of a patient, of every kind that this kind of actor is shown; oldest first."""
        return belongings.belongings(self._transaction, self._knowledge, patient, actor)

    def call(self, service: str, operation: str, path: Mapping[str, str], body: JSON) -> None:
        """Have another service's operation called once this is committed, as a service: at least once, and
        within a bound of time. The handler names it in its ``calls``."""
        calls.lay(self._transaction, service, operation, path, body, self.cause)

    def new_id(self, type: str = "") -> str:
        """A fresh id: a UUID, or what the type's ``id`` schema demands instead."""
        return self._knowledge.kind(type).new_id()

    def runs_out(self, type: str, status: str) -> datetime | None:
        """When time alone will end this state of what enters it now; None if it may last."""
        rules = self._knowledge.kind(type).rules
        timed = [edge for _, edge in rules.timers_in(status)] if rules is not None else []
        own = [edge for edge in timed if edge.when is None and edge.to != status]
        running = [edge.after for edge in own if edge.after is not None]
        return self.now + timedelta(seconds=min(running)) if running else None

    def acts_for(self, patient: str) -> bool:
        """Whether the caller's kind of actor stands in its relation to this patient, or needs none."""
        return self.request is None or stands_for(self.claims, patient)

    @property
    def current(self) -> bool:
        """Whether an end of a relation cannot have been missed: False while Kafka cannot be heard."""
        return self._situation.current

    def holds(self, relation: str, actor: str, patient: str) -> bool:
        """Whether somebody stands in a relation to a patient, for all that messages told (``x-relation``)."""
        return relations.holds(self._transaction, relation, actor, patient)

    def is_new(self, aggregate: Aggregate) -> bool:
        """Whether it was created in this transaction."""
        return (aggregate.type, aggregate.id) in self._made

    def finish(self, emissions: Iterable[Emission], result: object, answer: Answer | None) -> None:
        """Emit what the contract's explicit ``x-emits`` says of this success; for the platform."""
        about = result if isinstance(result, Aggregate) else self._touched
        self._telling.explicitly(emissions, about, answer)

    def _beginning(self, kind: Kind, document: Mapping[str, JSON]) -> Transition | None:
        if kind.rules is None:
            return None
        edge = kind.rules.begins(self._situation.driver, document, self._situation.context)
        if edge is None:
            place = kind.rules.lifecycle.place
            raise ContractError(
                str(place) if place.file else kind.name,
                f"nothing lets a {kind.name} begin by {self._driver_name()}",
                "a transition without from",
                f"Add - {{to: …, by: {self._driver_name()}}} to its x-lifecycle",
            )
        return edge

    def _edge(self, aggregate: Aggregate, fields: Mapping[str, JSON]) -> Transition | None:
        rules = self._knowledge.kind(aggregate.type).rules
        if rules is None:
            return None
        document = {**aggregate.document, **fields}
        wanted = fields.get(rules.status)
        situation = self._situation
        return rules.step(
            situation.driver, aggregate.status, document, situation.context, aggregate.id, wanted
        )

    def _driver_name(self) -> str:
        driver = self._situation.driver
        return driver if isinstance(driver, str) else "time"

    def _match(self, aggregate: Aggregate) -> None:
        name = (aggregate.type, aggregate.id)
        if name in self._internal:
            self._precondition.check_addressed(aggregate)
        elif name not in self._made:
            self._precondition.check(aggregate)

    def _write(
        self,
        aggregate: Aggregate,
        kind: Kind,
        fields: Mapping[str, JSON],
        edge: Transition | None,
        because: str | None,
    ) -> None:
        before, document, expected = aggregate.status, aggregate.document, aggregate.version
        aggregate.version += 1
        self._lay(aggregate, kind, fields, edge)
        if aggregate.status != before:
            aggregate.entered_at, aggregate.correlation = instant(self.now), self.cause.correlation
        try:
            records.replace(self._transaction, aggregate, expected)
        except records.Taken as taken:
            raise _taken(taken) from None
        self._happened(aggregate, kind, edge, (before, document), because)

    def _lay(
        self, aggregate: Aggregate, kind: Kind, fields: Mapping[str, JSON], edge: Transition | None
    ) -> None:
        """Bring the document, and what is kept beside it, to its new state. It must keep its schema."""
        document = {**aggregate.document, **records.stored(fields)}
        if edge is not None and kind.rules is not None:
            document[kind.rules.status] = aggregate.status = edge.to
        if kind.versioned:
            document["version"] = aggregate.version
        document = {
            name: each for name, each in document.items() if each is not None or name in kind.nullable
        }
        check_document(kind, document)
        aggregate.document = document
        aggregate.subject = kind.subject_of(document)

    def _happened(
        self,
        aggregate: Aggregate,
        kind: Kind,
        edge: Transition | None,
        was: tuple[str | None, Mapping[str, JSON]],
        because: str | None,
    ) -> None:
        """Timers and the lifecycle's event, after the aggregate was written. ``was``: status and document."""
        self._touched = aggregate
        before, document = was
        if kind.rules is not None:
            if aggregate.status != before:
                timers.restart(self._transaction, aggregate, kind.rules, self.now, new=before is None)
            else:
                timers.look_again(self._transaction, aggregate, kind.rules, document, self.now)
        self._telling.happened(aggregate, kind, edge, before, because)


def _taken(taken: records.Taken) -> Problem:
    what = "id" if taken.name == "id" else taken.name.replace(",", ", ")
    return Problem(409, detail=f"There is one with the same {what} already.")
