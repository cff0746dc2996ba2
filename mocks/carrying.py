"""What a mock holds goes over to the one that follows it when its contract is edited."""

from __future__ import annotations

from harness.contract.model import JSON, Contract
from harness.contract.schema import compile_schema
from mocks.control.controls import Kept

_UNTOUCHED = "what every session begins with"
"""The name of a session that the mock of before, which ends, has no use for any more."""


def carry(before: Kept, after: Kept, contract: Contract) -> None:
    """Everybody's state, as far as requests and messages made it, in so far as its schemas survive.

    What the examples alone said, those of ``contract``, which ``after`` serves, say anew. Sessions begin
    anew, and what time would have done to what is carried it does no more.
    """
    held, begun, kept = _things(before), _things(before, _UNTOUCHED), _things(after)
    changed = {at: thing for at, thing in held.items() if begun.get(at) != thing}
    gone = begun.keys() - held.keys()
    if not changed and not gone:
        return
    kept |= {at: thing for at, thing in changed.items() if _valid(thing, contract)}
    after.restore({"things": [thing for at, thing in kept.items() if at not in gone]})


def _valid(thing: JSON, contract: Contract) -> bool:
    schema = contract.schemas.get(thing["kind"])
    return schema is not None and compile_schema(schema).is_valid(thing["document"])


def _things(states: Kept, session: str = "") -> dict[tuple[str, str], JSON]:
    return {(each["kind"], each["key"]): each for each in states.snapshot(session)["things"]}
