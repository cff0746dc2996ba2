"""Attacks carried out on running services, and what came of each: answers, others' wait, memory, output."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.hostile import bystander
from tests.hostile.attack import Attack
from tests.hostile.bystander import Bystander
from tests.hostile.defender import Defender, Kind, defending
from tests.hostile.registry import ATTACKS
from tests.hostile.slow import TooFew, room_for

LONGEST = 150.0
"""Seconds that one attack may take."""

OTHERS_WAIT = 2.0
"""Seconds that a well-behaved client may have to wait for the service at worst, whatever is going on."""

GROWTH = 256
"""MiB by which an attack may make a service grow for a while."""

_TRACEBACK = re.compile(r"Traceback|File \".+\", line \d+")
_OPEN = 6_000
"""Connections of the attacks that run side by side."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory of the service's process in MiB: before, at most meanwhile, and after."""

    before: int
    peak: int
    after: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one attack on one service. ``skipped`` says why it was not carried out."""

    attack: Attack
    kind: Kind
    told: Mapping[str, int]
    others: bystander.Service
    memory: Memory
    written: str
    healthy: bool
    seconds: float
    skipped: str = ""

    @property
    def tried(self) -> int:
        return sum(self.told.values())

    @property
    def survived(self) -> int:
        """How many tries were answered as documented."""
        return sum(count for answer, count in self.told.items() if answer in self.attack.answers)

    @property
    def faults(self) -> list[str]:
        """Everything that is not as it should be."""
        wrong = {answer: count for answer, count in self.told.items() if answer not in self.attack.answers}
        found = [f"{count} x {answer}" for answer, count in wrong.items()]
        if not self.tried:
            found.append("nothing was tried")
        if self.others.failed or not self.others.asked:
            found.append(f"{self.others.failed} of {self.others.asked} requests of others were not served")
        if self.others.worst > OTHERS_WAIT:
            starved = f"{self.others.starved:.1f} s more for a processor"
            found.append(f"others waited {self.others.worst:.1f} s, and up to {starved}")
        if self.memory.peak - self.memory.before > GROWTH:
            found.append(f"memory grew from {self.memory.before} to {self.memory.peak} MiB")
        if trace := _TRACEBACK.search(self.written):
            found.append(f"a traceback: {self.written[trace.start() : trace.start() + 2000]}")
        if not self.healthy:
            found.append("it is not healthy afterwards")
        return found


class Siege:
    """Services under attack, each watched by a bystander. Outcomes are kept: each attack happens once."""

    def __init__(self, defenders: Mapping[Kind, tuple[Defender, Bystander]]) -> None:
        self._defenders = defenders
        self._outcomes: dict[tuple[Kind, str], Outcome] = {}

    def defender(self, kind: Kind) -> Defender:
        return self._defenders[kind][0]

    def outcome(self, kind: Kind, attack: Attack) -> Outcome:
        """What comes of an attack. Those that wait are carried out together, on all services at once."""
        if (kind, attack.name) not in self._outcomes:
            if attack.waits:
                waiting = [each for each in ATTACKS if each.waits]
                asyncio.run(self._carry_out([(each, waiting) for each in self._defenders]))
            else:
                asyncio.run(self._carry_out([(kind, [attack])]))
        return self._outcomes[(kind, attack.name)]

    async def _carry_out(self, plan: Sequence[tuple[Kind, Sequence[Attack]]]) -> None:
        for found in await asyncio.gather(*(self._on_one(kind, attacks) for kind, attacks in plan)):
            for each in found:
                self._outcomes[(each.kind, each.attack.name)] = each

    async def _on_one(self, kind: Kind, attacks: Sequence[Attack]) -> list[Outcome]:
        """Attacks side by side on one service; the figures are those of all of them together."""
        defender, watch = self._defenders[kind]
        before, size = _memory(defender), defender.log.stat().st_size
        began = time.monotonic()
        told, skipped = {}, {}
        for attack, result in zip(
            attacks, await asyncio.gather(*(_tries(each, defender) for each in attacks)), strict=True
        ):
            told[attack.name] = Counter(result) if not isinstance(result, TooFew) else Counter[str]()
            skipped[attack.name] = str(result) if isinstance(result, TooFew) else ""
        seconds = time.monotonic() - began
        await asyncio.to_thread(watch.settled)
        after = _memory(defender)
        memory = Memory(before["VmRSS"], after["VmHWM"], after["VmRSS"])
        others, written = watch.since(began), defender.written(size)
        healthy = await asyncio.to_thread(_healthy, defender)
        return [
            Outcome(
                each, kind, told[each.name], others, memory, written, healthy, seconds, skipped[each.name]
            )
            for each in attacks
        ]


async def _tries(attack: Attack, defender: Defender) -> Sequence[str] | TooFew:
    try:
        return await asyncio.wait_for(attack.tries(defender), LONGEST)
    except TooFew as few:
        return few
    except TimeoutError:
        return [f"not over after {LONGEST:g} s"]


def _memory(defender: Defender) -> dict[str, int]:
    """MiB by the kernel's names; the high-water mark begins anew afterwards."""
    process = Path(f"/proc/{defender.child.pid}")
    lines = (line.split() for line in (process / "status").read_text().splitlines())
    found = {line[0][:-1]: int(line[1]) // 1024 for line in lines if line[0].startswith("Vm")}
    (process / "clear_refs").write_text("5")
    return found


def _healthy(defender: Defender) -> bool:
    if not defender.child.alive:
        return False
    return defender.control is None or defender.controlled("/health") == {"status": "ok"}


@contextmanager
def laying_siege(kinds: Sequence[Kind]) -> Iterator[Siege]:
    """Services of these kinds with a bystander each; all end with the block."""
    with ExitStack() as stack:
        defenders: dict[Kind, tuple[Defender, Bystander]] = {}
        for kind in kinds:
            defender = stack.enter_context(defending(kind))
            watch = stack.enter_context(Bystander(defender.address, defender.token(), defender.child.pid))
            watch.settled()
            defenders[kind] = (defender, watch)
        try:
            room_for(_OPEN)
        except TooFew:
            if "CI" in os.environ:
                raise
        yield Siege(defenders)
