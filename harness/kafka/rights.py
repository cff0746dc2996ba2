"""What a contract's service has to be allowed at a cluster that asks: these topics, these groups, no more.

Source: Apache Kafka's documentation, "Authorization and ACLs". Reading and writing imply describing. An
idempotent producer needs no right of its own since Kafka 3.0 (KIP-679): to write a topic is enough.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.contract.model import Channel, Contract, MessageOperation


@dataclass(frozen=True, slots=True)
class Rights:
    """Topics that are written and topics that are read, each by its address, and consumer groups."""

    writes: tuple[Channel, ...]
    reads: tuple[Channel, ...]
    groups: tuple[str, ...]

    @property
    def topics(self) -> tuple[Channel, ...]:
        """All of them, each once."""
        return _each_once((*self.writes, *self.reads))


def group_of(contract: Contract, operation: MessageOperation) -> str:
    """The consumer group that a service receives in: the contract's, else one of the service's name."""
    return operation.group or f"portal.{contract.service}"


def rights_of(contract: Contract) -> Rights:
    """Topics that it sends to, answers or buries letters on; topics that it receives, or awaits answers on.

    What is not on Kafka needs none.
    """
    sends, receives = contract.sends.values(), contract.receives.values()
    answers = [each.reply.channel for each in receives if each.reply and each.reply.channel]
    awaited = [each.reply.channel for each in sends if each.reply and each.reply.channel]
    letters = [each.dead_letter for each in receives if each.dead_letter]
    return Rights(
        writes=_each_once([*(each.channel for each in sends), *answers, *letters]),
        reads=_each_once([*(each.channel for each in receives), *awaited]),
        groups=tuple(sorted({group_of(contract, each) for each in receives if each.channel.on_kafka})),
    )


def _each_once(channels: Iterable[Channel]) -> tuple[Channel, ...]:
    found = {each.address: each for each in channels if each.on_kafka}
    return tuple(found[address] for address in sorted(found))
