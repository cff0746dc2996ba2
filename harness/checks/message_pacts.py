"""Does the provider publish what its consumers were promised? It really publishes; Pact compares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.checks.check import Check, Verdicts
from harness.contract.model import MessageOperation, System
from harness.driving.bench import Bench
from harness.driving.causes import sender
from harness.driving.message_metadata import TOPIC, metadata_of
from harness.driving.pact_files import Interaction, PactFile, read_pacts
from harness.driving.pact_run import Job, PactMessage, Verdict, verify
from harness.driving.provoking import Provoked, provoke
from harness.driving.speech import reproduced
from harness.driving.watching import Watch
from harness.errors import StateError
from harness.findings import Result
from harness.kafka.wire import CONTENT_TYPE, Record
from harness.target import WITHOUT, Limits, Target

NAME = "message_pacts"


@dataclass(frozen=True, slots=True)
class _Caught:
    """An interaction with the event that the provider published for it."""

    interaction: Interaction
    send: MessageOperation
    provoked: Provoked
    record: Record


def run(system: System, target: Target, limits: Limits) -> Iterator[Result]:
    """One result for each message interaction of every pact whose provider is this target's service.

    Raises ProcessError if Pact's verifier fails, BrokerError if Kafka does, StateError if the target
    cannot be reset.
    """
    verdicts = Verdicts(NAME, target.service)
    contract = system.contracts[target.service]
    files, errors = read_pacts(system.pacts, contract.service)
    for error in errors:
        yield verdicts.untold("", error.paragraph())
    wanted = [each for file in files for each in file.interactions if each.kind == "message"]
    if not wanted:
        return
    caught: dict[int, _Caught] = {}
    with Bench(system, target, limits) as bench, Watch(bench, _recorded(bench)) as watch:
        for number, each in enumerate(wanted, 1):
            told = _catch(bench, watch, verdicts, each)
            if isinstance(told, _Caught):
                caught[number] = told
            else:
                yield told
        if bench.controlled:
            bench.states.reset(seed=True)
    yield from _compared(bench, verdicts, files, caught)


def _catch(bench: Bench, watch: Watch, verdicts: Verdicts, interaction: Interaction) -> _Caught | Result:
    """Have the event of an interaction published; what is wrong or could not be told otherwise."""
    metadata = interaction.metadata
    topic = str(metadata.get(TOPIC, ""))
    send = sender(bench.contract, topic, metadata.get("ce_type"))
    if not topic:
        error = StateError(str(interaction.place), "its metadata do not name a topic", f"{TOPIC}: a topic")
        return verdicts.untold("", error, interaction.name)
    if send is None:
        return verdicts.finding(
            "",
            f"Not what {interaction.consumer} relies on: {interaction.description}",
            f"no send operation of {bench.contract.service} on {topic}",
            f"a message on {topic}",
            interaction.place,
        )
    if send.records and "accesses" not in bench.target.capabilities:
        return verdicts.not_applicable(send.id, f"{interaction.name}: {WITHOUT['accesses']}")
    contents = interaction.contents
    wished = contents if isinstance(contents, Mapping) else {}
    try:
        provoked = provoke(bench, watch, send, wished, interaction.states)
    except StateError as error:
        return verdicts.untold(send.id, error, interaction.name)
    if provoked.record is None:
        return verdicts.finding(
            send.id,
            f"Nothing was published for {interaction.consumer}: {interaction.description}",
            f"no {send.id} on {topic} within {provoked.within:g} s after {provoked.cause}",
            f"{send.id} is caused by {provoked.cause}",
            provoked.promised,
            provoked.reproduce,
        )
    return _Caught(interaction, send, provoked, provoked.record)


def _recorded(bench: Bench) -> list[str]:
    """The topic of accesses, to which nobody else listens."""
    return [each.channel.address for each in bench.contract.sends.values() if each.records]


def _compared(
    bench: Bench, verdicts: Verdicts, files: list[PactFile], caught: Mapping[int, _Caught]
) -> Iterator[Result]:
    """Pact's verdict on everything that was caught, in one go."""
    job = Job(
        bench.contract.service,
        files,
        {number: each.interaction for number, each in caught.items()},
        messages={number: _in_pacts_words(each.record) for number, each in caught.items()},
        timeout=bench.limits.timeout,
    )
    for number, verdict in verify(job).items():
        yield _result(bench, verdicts, caught[number], verdict)


def _in_pacts_words(record: Record) -> PactMessage:
    metadata = metadata_of(record.topic, record.key, record.headers)
    return PactMessage(
        record.value or b"", metadata, record.header(CONTENT_TYPE) or "application/octet-stream"
    )


def _result(bench: Bench, verdicts: Verdicts, caught: _Caught, verdict: Verdict) -> Result:
    interaction = caught.interaction
    if verdict.error:
        error = StateError(str(interaction.place), verdict.error)
        return verdicts.untold(caught.send.id, error, interaction.name)
    if not verdict.mismatches:
        return verdicts.passed(caught.send.id, f"{interaction.name} (caused by {caught.provoked.cause})")
    if caught.provoked.untried:
        why = f"{caught.provoked.cause} causes another event, and {'; '.join(caught.provoked.untried)}"
        return verdicts.untold(caught.send.id, why, interaction.name)
    return verdicts.finding(
        caught.send.id,
        f"Not what {interaction.consumer} relies on: {interaction.description}",
        "; ".join(f"{each.at}: {each.detail}" for each in verdict.mismatches),
        "; ".join(f"{each.at} {each.expected}" for each in verdict.mismatches),
        interaction.place,
        f"{caught.provoked.reproduce}\n{reproduced(bench, caught.record)}",
    )


CHECK = Check(
    name=NAME,
    run=run,
    needs=frozenset({"kafka", "state"}),
    sees="Events that lack the topic, key, headers or value that a consumer's pact relies on.",
    misses="What no consumer has written down, and what consumers do with an event.",
)
