"""One round: a running portal, a schedule of kills, load, and the judgement once all work is done."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from harness.contract import load_system
from harness.kafka.broker import Broker
from harness.kafka.listening import Listener
from harness.serving.keys import KeyStore
from tests.conftest import ROOT
from tests.kafka.apache import free_ports
from tests.kills.brokers import BrokerKeeper, Cluster
from tests.kills.clients import Client, Told
from tests.kills.happened import TOPICS, Happened, happened
from tests.kills.judge import Standing, Wrong, judge, missing
from tests.kills.members import Member
from tests.kills.outcome import Again, Outcome, dropped_in, errors_in
from tests.kills.plan import Plan
from tests.kills.schedule import BROKER

CLIENTS = 8
AFTERGLOW = 2.0
"""Seconds of load after the last kill."""

SETTLE = 1.5
_TICK = 0.02
_LOOK = 0.5


class Round:
    """A portal under fire. ``cluster``, where given, is the broker as it can be killed and brought back."""

    def __init__(self, plan: Plan, broker: Broker, folder: Path, cluster: Cluster | None = None) -> None:
        self._plan, self._broker = plan, broker
        self._broker_keeper = None if cluster is None else BrokerKeeper(cluster)
        self._told = Told()
        keys = KeyStore(folder / "state")
        system = load_system(ROOT / "contracts")
        scopes = {
            scope
            for contract in system.contracts.values()
            for scheme in contract.security_schemes.values()
            for scope in scheme.scopes
        }
        self._token = keys.mint({"actor": "staff", "sub": "kills", "scope": " ".join(sorted(scopes))})
        environment = {"PORTAL_STATE": str(folder / "state"), "NO_COLOR": "1"}
        ports = free_ports(len(plan.members))
        self.members = [
            Member(
                name,
                service,
                port,
                folder,
                _serving(service, broker, folder),
                environment,
                plan.faults.get(service, ()),
                self._excused,
                plan.pause,
                name in plan.stay_dead,
            )
            for (name, service), port in zip(plan.members.items(), ports, strict=True)
        ]

    def run(self) -> Outcome:
        began = time.monotonic()
        with Listener(self._broker, TOPICS) as listener, self._alive():
            clients = self._load()
            keepers = self._keepers()
            self._listen_while(listener, lambda: any(each.is_alive() for each in keepers))
            self._listen_for(listener, AFTERGLOW)
            for client in clients:
                client.ending.set()
            self._listen_while(listener, lambda: any(each.is_alive() for each in clients))
            self._finish(listener)
            seen = happened(listener.records)
            self._listen_while(listener, lambda: self._ready() is None)
            standing = self._standing()
        return self._outcome(seen, standing, time.monotonic() - began)

    def _load(self) -> list[Client]:
        clients = [
            Client(number, self._plan.seed, self._asked(), self._token, self._told)
            for number in range(CLIENTS)
        ]
        for each in clients:
            each.start()
        return clients

    def _keepers(self) -> list[threading.Thread]:
        keepers = [
            threading.Thread(target=each.keep, args=(self._plan.kills.get(each.name, ()),), daemon=True)
            for each in self.members
        ]
        if self._broker_keeper is not None:
            kills = self._plan.kills.get(BROKER, ())
            keepers.append(threading.Thread(target=self._broker_keeper.keep, args=(kills,), daemon=True))
        for each in keepers:
            each.start()
        return keepers

    def _asked(self) -> list[Member]:
        """The members that clients ask."""
        return [each for each in self.members if each.service == "scheduling"]

    def _ready(self) -> str | None:
        """The URL of a member that clients ask and that is there now."""
        return next((each.url for each in self._asked() if each.control is not None), None)

    @contextmanager
    def _alive(self) -> Iterator[None]:
        try:
            yield
        finally:
            if self._broker_keeper is not None:
                self._broker_keeper.end()
            for each in self.members:
                each.end()

    def _excused(self) -> bool:
        return self._broker_keeper is not None and self._broker_keeper.away()

    def _finish(self, listener: Listener) -> None:
        """Wait until nothing is missing any more, then a little for what should not come."""
        deadline = time.monotonic() + self._plan.finish
        while time.monotonic() < deadline and missing(happened(listener.records), self._told):
            self._listen_for(listener, _LOOK)
        listener.settle(SETTLE)

    def _listen_while(self, listener: Listener, going_on: Callable[[], bool]) -> None:
        while going_on():
            for each in self.members:
                each.revive()
            listener.mark()
            time.sleep(_TICK)

    def _listen_for(self, listener: Listener, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        self._listen_while(listener, lambda: time.monotonic() < deadline)

    def _standing(self) -> Standing:
        appointments: dict[str, tuple[int, Mapping[str, Any]]] = {}
        slots: dict[str, tuple[int, Mapping[str, Any]]] = {}
        url = self._ready()
        with httpx.Client(
            headers={"Authorization": f"Bearer {self._token}"}, trust_env=False, timeout=10.0
        ) as http:
            for booking in self._told.bookings:
                appointments[booking.id] = _read(http, f"{url}/v1/appointments/{booking.id}")
            taken = {each.slot for each in self._told.bookings if not each.cancelled}
            for slot in taken | self._told.free:
                slots[slot] = _read(http, f"{url}/v1/slots/{slot}")
        return Standing(appointments, slots)

    def _outcome(self, seen: Happened, standing: Standing, seconds: float) -> Outcome:
        struck = [each for member in self.members for each in member.struck]
        struck += self._broker_keeper.struck if self._broker_keeper is not None else []
        wrong = judge(seen, self._told, standing)
        wrong += [
            Wrong(time.time(), "process", what) for member in self.members for what in member.complaints
        ]
        dropped: list[Again] = []
        for member in self.members:
            lines = member.lines()
            wrong += errors_in(lines)
            dropped += dropped_in(lines, member.service)
        ordered = sorted(struck, key=lambda each: each.at)
        return Outcome(self._plan, ordered, wrong, seen, self._told, dropped, seconds)


def _serving(service: str, broker: Broker, folder: Path) -> tuple[str, ...]:
    contracts = ("--contracts", str(ROOT / "contracts"))
    return ("serve", service, "--kafka", broker.bootstrap, "--data", str(folder / "data"), *contracts)


def _read(http: httpx.Client, url: str) -> tuple[int, Mapping[str, Any]]:
    answer = http.get(url)
    if answer.status_code != 200:
        return 0, {}
    return int(answer.headers["ETag"].strip('"')), answer.json()
