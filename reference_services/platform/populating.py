"""Fills a service's database with many people's records: copies of what the contract's examples show of its
personas, under ids and at times of their own. No event tells of it, and no timer runs, as with all examples.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import orjson

from harness.contract.model import JSON
from reference_services.platform import records
from reference_services.platform.aggregate import Aggregate
from reference_services.platform.kinds import Kind, check_document
from reference_services.platform.people import Crowd, Person
from reference_services.platform.seeds import id_of, seeds
from reference_services.platform.situation import Knowledge
from reference_services.platform.store import Store
from reference_services.platform.values import instant

AT_ONCE = 2_000
"""Records, a transaction."""

_ID = re.compile(r'"([a-z]{2,5}-[0-9a-z]{8,26})"')
_LAST_DIGITS = re.compile(r"\d+\Z")
_DAY = re.compile(r'"(\d{4}-\d{2}-\d{2})(T[^"]*)?"')


_NAME = "name"
"""The gap for a person's name; the others are called by what the persona has there."""

_CAUSE = "cor-00000000"
"""What all of a person's records are taken to come from."""

_SOMETIME = datetime(2031, 1, 1, tzinfo=UTC)
"""Since when something is as it is that does not say when it was made."""

Record = tuple[Kind, Mapping[str, JSON]]


def stories(knowledge: Knowledge) -> dict[str, list[Record]]:
    """What each persona has in a service, by the persona's id: what is theirs, and what is nobody's but
    referred to by theirs alone (a slot, say). What is everybody's (a provider) is nobody's story."""
    found: dict[str, list[Record]] = {}
    nobodys: dict[str, Record] = {}
    users: dict[str, set[str]] = {}
    for type, id, document in seeds(knowledge.contract, knowledge.kinds):
        kind = knowledge.kind(type)
        subject = kind.subject_of(document)
        if subject is not None:
            found.setdefault(subject, []).append((kind, document))
            for named in _ID.findall(orjson.dumps(document).decode()):
                users.setdefault(named, set()).add(subject)
        elif kind.rules is not None and not kind.unique:
            nobodys[id] = (kind, document)
    for id, record in nobodys.items():
        if len(users.get(id, ())) == 1:
            found[next(iter(users[id]))].append(record)
    return found


def owners(told: Iterable[Mapping[str, Sequence[Record]]]) -> dict[str, str]:
    """Whose the ids are that the personas' records have in all services, by id."""
    owned: dict[str, str] = {}
    for each in told:
        for persona, things in each.items():
            owned[persona] = persona
            owned.update({id: persona for kind, thing in things if (id := id_of(kind, thing)) is not None})
    return owned


def today(told: Iterable[Mapping[str, Sequence[Record]]]) -> date:
    """The day on which the newest of the examples was made."""
    made = (str(d.get("createdAt", ""))[:10] for each in told for things in each.values() for _, d in things)
    return date.fromisoformat(max(made, default="") or "2031-01-01")


@dataclass(frozen=True, slots=True)
class Population:
    """``crowd`` draws the people; ``owned`` says whose each id of the examples is."""

    crowd: Crowd
    owned: Mapping[str, str]

    def settle(
        self, store: Store, knowledge: Knowledge, patients: int, leaving: Collection[str] = ()
    ) -> Iterator[int]:
        """Put in the records of so many people; yields how many records each transaction has put in.

        ``leaving`` are types of which no copies are made. Raises ContractError for a copy that would break
        its schema, Taken where these people live already.
        """
        told: dict[str, list[tuple[Kind, str]]] = {}
        for persona, things in stories(knowledge).items():
            kept = [(kind, document) for kind, document in things if kind.name not in leaving]
            if kept:
                told[persona] = [(kind, self._cut(persona, document)) for kind, document in kept]
        waiting: list[Aggregate] = []
        for number in range(patients):
            if (person := self.crowd.person(number, told)) is not None:
                waiting += self._lived(told[person.persona.id], person)
            if len(waiting) >= AT_ONCE or (waiting and number == patients - 1):
                with store.transaction(write=True) as transaction:
                    store.database.hasten(transaction.connection)
                    records.add_all(transaction, waiting)
                yield len(waiting)
                waiting = []

    def _cut(self, persona: str, document: Mapping[str, JSON]) -> str:
        """A persona's record with gaps, ``%(…)s``, where a person's own ids, days and name go in."""
        text = orjson.dumps(document).decode().replace("%", "%%")

        def id(found: re.Match[str]) -> str:
            return f'"%({found[1]})s"' if self.owned.get(found[1]) == persona else found[0]

        text = _ID.sub(id, _DAY.sub(lambda found: f'"%({found[1]})s{found[2] or ""}"', text))
        return text.replace(self.crowd.names[persona].replace("%", "%%"), f"%({_NAME})s")

    def _lived(self, things: Iterable[tuple[Kind, str]], person: Person) -> Iterator[Aggregate]:
        """A persona's records as the person's own."""
        own = _Own(self.crowd, person)
        for kind, text in things:
            copy = orjson.loads(text % own)
            if "birthDate" in copy:
                copy["birthDate"] = person.born.isoformat()
            for key in kind.unique:
                copy |= {part: _own(copy[part], person.number) for part in key.split(",") if part in copy}
            check_document(kind, copy)
            yield self._kept(kind, copy, own[_CAUSE])

    def _kept(self, kind: Kind, copy: dict[str, JSON], cause: str) -> Aggregate:
        made = copy.get("createdAt")
        entered = datetime.fromisoformat(made) if isinstance(made, str) else _SOMETIME
        return Aggregate(
            kind.name,
            str(id_of(kind, copy)),
            int(copy.get("version", 1)) if kind.versioned else 1,
            copy,
            kind.subject_of(copy),
            copy.get(kind.rules.status) if kind.rules is not None else None,
            instant(entered),
            cause,
            kind.unique,
        )


class _Own(dict[str, str]):
    """What goes into the gaps of one person's records, each worked out once."""

    def __init__(self, crowd: Crowd, person: Person) -> None:
        super().__init__({_NAME: person.name})
        self._crowd, self._number, self._earlier = crowd, person.number, timedelta(days=person.earlier)

    def __missing__(self, gap: str) -> str:
        if gap[0].isdigit():
            found = str(date.fromisoformat(gap) - self._earlier)
        else:
            found = self._crowd.id(gap, self._number)
        self[gap] = found
        return found


def _own(value: JSON, number: int) -> JSON:
    """A value that no two may share, with a number of its own in the place of its last digits."""
    if isinstance(value, list):
        return [_own(each, number) for each in value]
    if isinstance(value, Mapping):
        return {name: _own(each, number) for name, each in value.items()}
    return (
        _LAST_DIGITS.sub(lambda found: f"{found[0]}{number:08}", value) if isinstance(value, str) else value
    )
