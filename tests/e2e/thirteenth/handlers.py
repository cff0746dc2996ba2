"""Feedback: how a patient found an appointment. All that is the service's own; the contract says the rest."""

from __future__ import annotations

from harness.serving.exchange import Request
from reference_services.platform.values import timestamp
from reference_services.platform.work import Aggregate, Work


def giveFeedback(work: Work, request: Request) -> Aggregate:
    whose = {"patientId": request.path["patientId"], "createdAt": timestamp(work.now), "confidentiality": "N"}
    return work.create("Feedback", {**request.body, **whose}, because="given")


def getFeedback(work: Work, request: Request) -> Aggregate:
    return work.get("Feedback", request.path["feedbackId"])
