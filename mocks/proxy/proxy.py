"""A proxy as ``harness.serving.server`` runs it."""

from __future__ import annotations

from harness.contract.model import Contract
from harness.serving.envelope import ASGIApp
from harness.serving.recording import Recorder
from mocks.conduct import USUAL, Conduct
from mocks.control.app import ControlApp
from mocks.control.controls import Controls
from mocks.fault_rules import FaultRules
from mocks.front import Front
from mocks.journal import Journal
from mocks.journal_view import View
from mocks.proxy.forwarding import Forwarder
from mocks.proxy.ledger import Ledger
from mocks.proxy.pairs import Pairs
from mocks.proxy.upstream import Upstream
from mocks.scenarios import Scenarios


class Proxy:
    """Stands before the service at ``url``. ``ledger`` holds what was found; what passed is in ``journal``,
    and like a mock's it is asked, and faults are set, by the control API."""

    def __init__(
        self,
        contract: Contract,
        url: str,
        ledger: Ledger,
        pairs: Pairs | None = None,
        recorder: Recorder | None = None,
        conduct: Conduct = USUAL,
    ) -> None:
        self.name = contract.service
        self.journal, faults = Journal(conduct.journal_kept), FaultRules(configured=conduct.faults)
        self.ledger = ledger
        forwarder = Forwarder(contract, Upstream(url), ledger, pairs)
        passing = recorder.wrap(forwarder, self.name) if recorder is not None else forwarder
        self.app: ASGIApp = Front(passing, contract, self.journal, faults)
        view = View(contract, self.journal, phi=conduct.journal_phi)
        controls = Controls(contract, faults, Scenarios(), self.journal, view)
        self.control: ASGIApp | None = ControlApp(controls, conduct.control_host)

    def start(self) -> None:
        """Nothing to begin: connections are made when they are needed."""

    def stop(self) -> None:
        """Nothing to end: connections go with the application's lifespan."""
