"""Topics and rights as Apache Kafka's own commands, ``kafka-topics.sh`` and ``kafka-acls.sh``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from shlex import join

from harness.contract.model import Channel, Contract, MessageOperation
from harness.errors import UsageError
from harness.kafka.rights import Rights, rights_of

_TOPIC = re.compile(r"(?!\.{1,2}\Z)[a-zA-Z0-9._-]{1,249}")
"""Apache Kafka: org.apache.kafka.common.internals.Topic."""

_HEAD = """\
#!/bin/sh
# The topics that these contracts name, and what each service may do with them: that and nothing else.
# For an administrator: ADMIN is a file of client properties, which says how the cluster is reached, as whom.
# Reading and writing imply describing; an idempotent producer needs nothing more since Kafka 3.0.
set -eu
: "${ADMIN:=admin.properties}"
"""


def script(contracts: Sequence[Contract], kafka: str, principal: str) -> str:
    """The commands, the topics first. ``{service}`` in ``principal`` stands for each one's name.

    Raises UsageError for what cannot be said of topics one by one.
    """
    for each in contracts:
        if not re.fullmatch(r"User:[^\n*]+", principal.replace("{service}", each.service)):
            found = "this is nobody in particular"
            raise UsageError(f"--principal {principal}", found, "User:NAME, e.g. User:{service}")
    if len(contracts) > 1 and "{service}" not in principal:
        raise UsageError(
            f"--principal {principal}",
            f"{len(contracts)} services would be one to the cluster, and each could do what any of them may",
            "{service} in it, e.g. User:portal-{service}",
        )
    needed = {each.service: _checked(each) for each in contracts}
    topics: dict[str, Channel] = {}
    for topic in (topic for rights in needed.values() for topic in rights.topics):
        topics[topic.address] = max(topics.get(topic.address, topic), topic, key=lambda each: each.partitions)
    lines = [_create(kafka, topics[address]) for address in sorted(topics)]
    for service, rights in needed.items():
        lines += ["", *_allow(kafka, principal.replace("{service}", service), rights)]
    return _HEAD + "\n".join(lines) + "\n"


def _checked(contract: Contract) -> Rights:
    rights = rights_of(contract)
    for operation in contract.message_operations.values():
        if operation.reply is not None and operation.reply.address is not None:
            raise _unnamed(operation, "where it is answered each message says", "a channel with one address")
    for topic in rights.topics:
        if topic.template is None or "{" in topic.template:
            raise _unnamed(topic, "its topic is known only while it runs", "a channel with one address")
        if not _TOPIC.fullmatch(topic.address):
            raise _unnamed(
                topic,
                f"'{topic.address}' is no legal name for a Kafka topic",
                "a-z, A-Z, 0-9, '.', '_' and '-'",
            )
    for group in rights.groups:
        if group == "*":
            raise UsageError(contract.service, "'*' stands for every consumer group", "a group's own name")
    return rights


def _unnamed(topic: Channel | MessageOperation, found: str, expected: str) -> UsageError:
    remedy = "Grant that by hand, and name the other services here"
    return UsageError(str(topic.place) if topic.place.file else topic.id, found, expected, remedy)


def _command(program: str, kafka: str, *arguments: str) -> str:
    return f'{program} --bootstrap-server {join([kafka])} --command-config "$ADMIN" {join(arguments)}'


def _create(kafka: str, topic: Channel) -> str:
    copies = () if topic.replicas is None else ("--replication-factor", str(topic.replicas))
    how = ("--partitions", str(topic.partitions), *copies)
    return _command("kafka-topics.sh", kafka, "--create", "--if-not-exists", "--topic", topic.address, *how)


def _allow(kafka: str, principal: str, rights: Rights) -> Iterator[str]:
    whom = ("--add", "--allow-principal", principal)
    for operation, topics in (("Write", rights.writes), ("Read", rights.reads)):
        if topics:
            named = _each("--topic", (topic.address for topic in topics))
            yield _command(
                "kafka-acls.sh", kafka, *whom, *_each("--operation", ("Describe", operation)), *named
            )
    if rights.groups:
        groups = _each("--group", rights.groups)
        yield _command("kafka-acls.sh", kafka, *whom, "--operation", "Read", *groups)


def _each(option: str, values: Iterable[str]) -> tuple[str, ...]:
    return tuple(part for value in values for part in (option, value))
