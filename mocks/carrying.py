"""What a mock holds goes over to the one that follows it when its contract is edited."""

from __future__ import annotations

from harness.contract.model import JSON
from harness.errors import HarnessError
from harness.serving.control import Action
from mocks.control.controls import Kept

_UNTOUCHED = "what every session begins with"
"""The name of a session that nobody can have: it holds a space."""


def carry(before: Kept, after: Kept) -> None:
    """Everybody's state, as far as requests and messages made it, in so far as its schemas survive.

    What the examples alone said the new contract's examples say anew; sessions begin anew.
    """
    held, begun = _things(before), _things(before, _UNTOUCHED)
    for at, thing in held.items():
        if begun.get(at) != thing:
            _change(after, "setup", thing)
    for at, thing in begun.items():
        if at not in held:
            _change(after, "teardown", thing)


def _change(states: Kept, action: Action, thing: JSON) -> None:
    try:
        states.change_state(thing["kind"], action, thing["document"])
    except HarnessError:  # the new contract knows nothing of the kind, or the thing is not valid by it
        return


def _things(states: Kept, session: str = "") -> dict[tuple[str, str], JSON]:
    return {(each["kind"], each["key"]): each for each in states.snapshot(session)["things"]}
