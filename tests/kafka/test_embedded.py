"""The embedded broker: its own process, which never outlives ours."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from confluent_kafka import Producer

from harness.contract.model import Channel
from harness.errors import BrokerError, PortInUse
from harness.kafka import cluster
from harness.kafka.broker import create_topics, reach
from harness.kafka.clients import admin_client
from harness.kafka.embedded import EmbeddedBroker
from harness.kafka.listening import Listener
from harness.kafka.wire import Publisher, Record, publish
from tests.kafka.until import until


def test_topics_stand_before_anybody_connects() -> None:
    with EmbeddedBroker({"portal.a.v1": 1, "portal.b.v1": 3}) as embedded:
        told = admin_client(embedded.broker).list_topics(timeout=10).topics
        assert {name: len(topic.partitions) for name, topic in told.items()} == {
            "portal.a.v1": 1,
            "portal.b.v1": 3,
        }


def test_the_controller_is_a_broker_that_there_is() -> None:
    """Clients that ask it (KafkaJS, for an idempotent producer) would give up."""
    with EmbeddedBroker({}) as embedded:
        told = admin_client(embedded.broker).list_topics(timeout=10)
        assert told.controller_id in told.brokers


def test_it_says_what_it_can_do_however_it_is_reached() -> None:
    with EmbeddedBroker({}) as embedded:
        able = embedded.broker.capabilities
        assert reach(embedded.bootstrap) == embedded.broker
    assert able.consumer_groups
    assert not (able.durable or able.transactions or able.admin or able.acls)


def test_an_undeclared_topic_is_made_on_request() -> None:
    with EmbeddedBroker({"portal.a.v1": 1}) as embedded:
        channels = [Channel("b", "portal.b.v1", partitions=2), Channel("a", "portal.a.v1", partitions=9)]
        create_topics(embedded.broker, channels)
        create_topics(embedded.broker, channels)
        told = admin_client(embedded.broker).list_topics(timeout=10).topics
        assert set(told) == {"portal.a.v1", "portal.b.v1"}
        assert len(told["portal.a.v1"].partitions) == 1


def test_a_fixed_port_is_listened_on_and_advertised() -> None:
    port = _free_port()
    with EmbeddedBroker({"portal.a.v1": 1}, port=port) as embedded:
        assert embedded.bootstrap == f"127.0.0.1:{port}"
        (advertised,) = admin_client(embedded.broker).list_topics(timeout=10).brokers.values()
        assert f"{advertised.host}:{advertised.port}" == embedded.bootstrap
        with Listener(embedded.broker, ["portal.a.v1"]) as listener:
            publish(embedded.broker, [Record("portal.a.v1", 0, 0, "k", (), b"{}")])
            assert listener.wait_for(lambda record: record.key == "k", within=10)
    with EmbeddedBroker({}, port=port) as again:
        assert again.bootstrap == f"127.0.0.1:{port}", "the port is free again at once"


def test_who_waits_at_the_port_finds_topics_as_they_were_asked_for() -> None:
    port = _free_port()
    quickly = {"reconnect.backoff.ms": 1, "reconnect.backoff.max.ms": 1, "log_level": 0}
    waiting = Producer({"bootstrap.servers": f"127.0.0.1:{port}", **quickly})
    waiting.produce("portal.last.v1", b"{}")  # it asks for the topic as soon as somebody listens
    many = {f"portal.{number}.v1": 1 for number in range(100)}
    with EmbeddedBroker({**many, "portal.last.v1": 3}, port=port):
        assert len(waiting.list_topics("portal.last.v1", 10).topics["portal.last.v1"].partitions) == 3
        assert waiting.flush(10) == 0


def test_a_thousand_topics_are_there_in_a_moment() -> None:
    """The mock's thread sleeps a second on a command whose wake-up it took for the one before."""
    many = {f"portal.{number}.v1": 2 for number in range(1000)}
    with EmbeddedBroker(many, timeout=10) as embedded:
        found = admin_client(embedded.broker).list_topics(timeout=10).topics
    assert {name: len(found[name].partitions) for name in many} == many


def test_a_port_in_use_is_said_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortInUse, match=f"127.0.0.1:{port}: the port is in use"):
            EmbeddedBroker({}, port=port).__enter__()


def test_a_bad_topic_name_is_said_so() -> None:
    with pytest.raises(BrokerError, match="topic not a topic: this is no legal name"):
        EmbeddedBroker({"not a topic": 1}).__enter__()


PARENT = """
import sys
from harness.kafka.embedded import EmbeddedBroker
with EmbeddedBroker({"portal.a.v1": 1}) as embedded:
    print(embedded.pid, embedded.bootstrap, flush=True)
    sys.stdin.read()
"""


def test_a_killed_parent_leaves_no_broker_behind() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid, bootstrap = parent.stdout.readline().split()
        assert runs(int(pid))
        assert reach(bootstrap)
        parent.kill()
    assert until(lambda: not runs(int(pid)), within=10)
    with pytest.raises(BrokerError):
        reach(bootstrap, 1.0)


def test_an_ending_leaves_no_broker_behind() -> None:
    with EmbeddedBroker({}) as embedded:
        pid = embedded.pid
        assert runs(pid)
    assert not runs(pid)


def test_many_clients_connect_at_once() -> None:
    with EmbeddedBroker({}) as embedded, contextlib.ExitStack() as stack:
        host, port = embedded.bootstrap.split(":")
        for _ in range(100):
            stack.enter_context(socket.create_connection((host, int(port)), timeout=5))
        assert reach(embedded.bootstrap)


def test_silence_of_a_dead_broker_is_not_absence() -> None:
    with (
        EmbeddedBroker({"portal.a.v1": 1}) as embedded,
        Listener(embedded.broker, ["portal.a.v1"], timeout=1.0) as listener,
    ):
        embedded.stop()
        with pytest.raises(BrokerError):
            listener.wait_for(lambda record: True, within=0.2)


def test_a_publisher_works_again_after_an_outage() -> None:
    with EmbeddedBroker({"portal.a.v1": 1}) as first:
        port = int(first.bootstrap.rpartition(":")[2])
        publisher = Publisher(first.broker)
        publisher.send("portal.a.v1", "k", {}, b"1")
        publisher.flush()
        first.stop()
        publisher.send("portal.a.v1", "k", {}, b"lost")
        with pytest.raises(BrokerError, match="1 records were not acknowledged"):
            publisher.flush(0.5)
        with (
            EmbeddedBroker({"portal.a.v1": 1}, port=port) as second,
            Listener(second.broker, ["portal.a.v1"]) as listener,
        ):
            publisher.send("portal.a.v1", "k", {}, b"2")
            publisher.close()
            listener.catch_up()
            assert [record.value for record in listener.records] == [b"2"], "what failed is not sent"


WITHOUT = """
import sys
from harness.kafka import cluster, embedded
cluster._NEEDED = {**cluster._NEEDED, "rd_kafka_mock_not_there": (None, ())}
sys.exit(embedded.main(sys.argv[1:]))
"""


def test_without_the_functions_configuration_alone_serves_with_a_warning() -> None:
    command = [sys.executable, "-c", WITHOUT, "--topic", "portal.a.v1=1"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        bootstrap = process.stdout.readline().strip()
        broker = reach(bootstrap)
        assert "portal.a.v1" in admin_client(broker).list_topics(timeout=10).topics
        assert not broker.capabilities.durable
        process.terminate()
        assert (
            "warning: embedded Kafka: librdkafka's rd_kafka_mock_not_there is missing"
            in process.stderr.read()
        )


def test_without_the_functions_a_fixed_port_is_refused() -> None:
    command = [sys.executable, "-c", WITHOUT, "--port", str(_free_port())]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 2
    assert "a fixed port needs librdkafka's rd_kafka_mock_not_there" in ended.stderr


def test_the_functions_are_there_in_the_installed_version() -> None:
    library = cluster._library()
    missing = [name for name in {**cluster._NEEDED, **cluster._WELCOME} if not hasattr(library, name)]
    assert missing == []


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def runs(pid: int) -> bool:
    """Whether a process runs; one that has ended but was not collected by its parent does not."""
    try:
        os.kill(pid, 0)
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except ProcessLookupError:
        return False
    except FileNotFoundError:
        return not Path("/proc/self/stat").exists()
    return status.rpartition(")")[2].split()[0] != "Z"
