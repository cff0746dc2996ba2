"""Every attack that there is."""

from __future__ import annotations

from tests.hostile import bodies, heads, messages, slow, smuggling, tokens
from tests.hostile.attack import Attack

ATTACKS: tuple[Attack, ...] = (
    *bodies.ATTACKS,
    *heads.ATTACKS,
    *smuggling.ATTACKS,
    *tokens.ATTACKS,
    *messages.ATTACKS,
    *slow.ATTACKS,
)
