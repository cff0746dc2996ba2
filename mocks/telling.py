"""What is told of what moved: the drafts of the events that a contract says it causes.

Everything an event says stands in the state: ids, from and to, versions, documents without ``x-phi``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from harness.contract.expressions import Context
from harness.contract.model import Contract, Emission
from mocks.events import Change, Draft, caused, correlation_of, key_of
from mocks.instances import Instances
from mocks.moves import Moved


class Telling:
    """Turns what moved into drafts. A function of the contract and of what is given to it."""

    def __init__(self, contract: Contract, instances: Instances) -> None:
        self._contract, self._instances = contract, instances

    def of_cause(
        self, emissions: Iterable[Emission], moved: tuple[Moved, ...], context: Context, session: str
    ) -> Iterator[Draft]:
        """The events of a request or message, in the contract's order."""
        for emission in emissions:
            send = self._contract.sends.get(emission.operation)
            if send is None:
                continue
            for each in self._about(emission, moved, context):
                change = self._change(each, key_of(emission, context) if each.edge is None else None)
                for _ in range(emission.count):
                    yield Draft(send, change, correlation_of(emission, context), kept=True, session=session)

    def of_time(self, moved: Iterable[Moved], session: str) -> Iterator[Draft]:
        """The events of transitions that time makes: each tells of its own lifecycle."""
        for each in moved:
            emits = each.kind.lifecycle.emits if each.kind.lifecycle is not None else None
            send = self._contract.sends.get(emits or "")
            if send is not None:
                yield Draft(send, self._change(each), kept=True, session=session)

    def _about(self, emission: Emission, moved: tuple[Moved, ...], context: Context) -> Iterator[Moved]:
        if emission.transitions:
            yield from (each for each in moved if each.edge in emission.transitions)
        elif moved and caused(emission, context.status, context):
            yield moved[0]

    def _change(self, moved: Moved, key: str | None = None) -> Change:
        kind, edge = moved.kind, moved.edge
        thing = moved.after or moved.before
        document = self._instances.without_phi(kind.schema, thing.document) if thing is not None else {}
        version = thing.version if thing is not None else 1
        before = moved.before.document.get(kind.status or "") if moved.before is not None else None
        return Change(
            lifecycle=kind.lifecycle if edge is not None else None,
            id=key or moved.key,
            state=edge.to if edge is not None else None,
            sources=(before,) if edge is not None and isinstance(before, str) else (),
            version=version,
            document=document,
            facts=document,
            silent=self._instances.silent(kind.name, document) if edge is not None else frozenset(),
        )
