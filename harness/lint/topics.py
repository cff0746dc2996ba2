"""Every topic has one owner, somebody who sends and somebody who listens."""

from __future__ import annotations

from collections.abc import Iterator

from harness.contract.model import Contract, MessageOperation, System
from harness.contract.nearest import did_you_mean
from harness.findings import Finding
from harness.lint.rule import Rule, finding
from harness.lint.uses import owns


def _by_topic(system: System, action: str) -> dict[str, list[tuple[Contract, MessageOperation]]]:
    found: dict[str, list[tuple[Contract, MessageOperation]]] = {}
    for contract in system.contracts.values():
        for operation in contract.message_operations.values():
            if operation.action == action and operation.channel.on_kafka:
                found.setdefault(operation.channel.address, []).append((contract, operation))
    return found


def one_owner(system: System) -> Iterator[Finding]:
    """Two services that send on one topic, unless they feed it: then its owner receives what others send."""
    received = _by_topic(system, "receive")
    for topic, senders in _by_topic(system, "send").items():
        if any(owns(contract, each.channel.place) for contract, each in received.get(topic, ())):
            continue
        senders.sort(key=lambda each: not owns(each[0], each[1].channel.place))
        owner, first = senders[0]
        for contract, operation in senders[1:]:
            if contract.service != owner.service:
                yield finding(
                    "topic-owner",
                    contract,
                    operation.place,
                    f"the topic '{topic}' has two owners",
                    received=f"{contract.service} sends on it, and so does {owner.service} ({first.place})",
                    documented="one service that sends on a topic, unless whose topic it is receives it",
                    operation=operation.id,
                )


def heard_and_said(system: System) -> Iterator[Finding]:
    """A topic that is only sent on, or only received. One service read alone cannot tell."""
    if len(system.contracts) < 2:
        return
    sent, received = _by_topic(system, "send"), _by_topic(system, "receive")
    for topic, receivers in received.items():
        for contract, operation in receivers if topic not in sent else ():
            yield finding(
                "topic",
                contract,
                operation.place,
                f"nobody sends on '{topic}'",
                received=f"{contract.service} waits for it",
                documented=f"a service that sends on it. {did_you_mean(topic, sent)}",
                operation=operation.id,
                severity="warning",
            )
    for topic, senders in sent.items():
        for contract, operation in senders if topic not in received else ():
            yield finding(
                "topic",
                contract,
                operation.place,
                f"nobody listens to '{topic}'",
                received=f"{contract.service} sends on it",
                documented="a service that receives it, unless it is for others",
                operation=operation.id,
                severity="warning",
            )


RULES = (
    Rule(
        "topic-owner",
        "a topic has one owner",
        one_owner,
        why="Nobody can say whose contract holds for what is on the topic.",
        mend="Let one service send on it, and give the other a topic of its own.",
    ),
    Rule(
        "topic",
        "what is sent is received and the reverse",
        heard_and_said,
        severity="warning",
        why="Who waits for what nobody sends waits for ever; what nobody receives may as well not be sent.",
        mend="Add the missing half, or remove this one; switch the rule off for topics that are for others.",
    ),
)
