"""What a contract says is a whole value set of FHIR R4 is that one, as hl7.org/fhir/R4 lists it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.contract import load_system
from harness.contract.aggregates import kept
from harness.contract.documents import read_yaml
from harness.contract.model import JSON, Contract, System
from harness.contract.schema import properties, says

FHIR = "http://hl7.org/fhir/ValueSet/"
WHOLE: Mapping[str, str] = {
    f"{FHIR}administrative-gender": "male female other unknown",
    f"{FHIR}allergy-intolerance-category": "food medication environment biologic",
    f"{FHIR}allergy-intolerance-criticality": "low high unable-to-assess",
    f"{FHIR}allergy-intolerance-type": "allergy intolerance",
    f"{FHIR}allergyintolerance-clinical": "active inactive resolved",
    f"{FHIR}allergyintolerance-verification": "unconfirmed confirmed refuted entered-in-error",
    f"{FHIR}appointmentstatus": (
        "proposed pending booked arrived fulfilled cancelled noshow entered-in-error checked-in waitlist"
    ),
    f"{FHIR}audit-event-action": "C R U D E",
    f"{FHIR}composition-status": "preliminary final amended entered-in-error",
    f"{FHIR}condition-clinical": "active recurrence relapse inactive remission resolved",
    f"{FHIR}condition-ver-status": (
        "unconfirmed provisional differential confirmed refuted entered-in-error"
    ),
    f"{FHIR}consent-provision-type": "deny permit",
    f"{FHIR}consent-state-codes": "draft proposed active rejected inactive entered-in-error",
    f"{FHIR}days-of-week": "mon tue wed thu fri sat sun",
    f"{FHIR}diagnostic-report-status": (
        "registered partial preliminary final amended corrected appended cancelled entered-in-error unknown"
    ),
    f"{FHIR}encounter-status": (
        "planned arrived triaged in-progress onleave finished cancelled entered-in-error unknown"
    ),
    f"{FHIR}event-status": (
        "preparation in-progress not-done on-hold stopped completed entered-in-error unknown"
    ),
    f"{FHIR}fm-status": "active cancelled draft entered-in-error",
    f"{FHIR}immunization-status": "completed entered-in-error not-done",
    f"{FHIR}invoice-status": "draft issued balanced cancelled entered-in-error",
    f"{FHIR}location-status": "active suspended inactive",
    f"{FHIR}medicationdispense-status": (
        "preparation in-progress cancelled on-hold completed entered-in-error stopped declined unknown"
    ),
    f"{FHIR}medicationrequest-status": (
        "active on-hold cancelled completed entered-in-error stopped draft unknown"
    ),
    f"{FHIR}observation-status": (
        "registered preliminary final amended corrected cancelled entered-in-error unknown"
    ),
    f"{FHIR}questionnaire-answers-status": "in-progress completed amended entered-in-error stopped",
    f"{FHIR}remittance-outcome": "queued complete error partial",
    f"{FHIR}request-priority": "routine urgent asap stat",
    f"{FHIR}request-status": "draft active on-hold revoked completed entered-in-error unknown",
    f"{FHIR}slotstatus": "busy free busy-unavailable busy-tentative entered-in-error",
    f"{FHIR}task-status": (
        "draft requested received accepted rejected ready cancelled in-progress on-hold failed completed "
        "entered-in-error"
    ),
    "http://terminology.hl7.org/CodeSystem/discharge-disposition": (
        "home alt-home other-hcf hosp long aadvice exp psy rehab snf oth"
    ),
}
"""Value set (or code system) → its codes. A contract that speaks of another one wants a row here."""

STATUSES: Mapping[str, str] = {
    "billing ExplanationOfBenefit outcome": "remittance-outcome",
    "billing Invoice status": "invoice-status",
    "billing Payment status": "event-status",
    "billing PaymentPlan status": "request-status",
    "coverage Coverage status": "fm-status",
    "coverage EligibilityCheck outcome": "remittance-outcome",
    "coverage ExplanationOfBenefit outcome": "remittance-outcome",
    "coverage PriorAuth outcome": "remittance-outcome",
    "encounters-records Allergy clinicalStatus": "allergyintolerance-clinical",
    "encounters-records Allergy verificationStatus": "allergyintolerance-verification",
    "encounters-records Condition clinicalStatus": "condition-clinical",
    "encounters-records Condition verificationStatus": "condition-ver-status",
    "encounters-records Document status": "composition-status",
    "encounters-records Encounter status": "encounter-status",
    "encounters-records Immunization status": "immunization-status",
    "medications Dispense status": "medicationdispense-status",
    "medications MedicationRequest status": "medicationrequest-status",
    "medications Reconciliation status": "task-status",
    "medications Refill status": "task-status",
    "messaging Message status": "event-status",
    "messaging Thread status": "event-status",
    "notifications Delivery status": "event-status",
    "orders-results Order status": "request-status",
    "orders-results Report status": "diagnostic-report-status",
    "patient-profile Form status": "questionnaire-answers-status",
    "provider-directory Location status": "location-status",
    "proxy-consent BreakGlass status": "task-status",
    "proxy-consent Consent status": "consent-state-codes",
    "proxy-consent ProxyGrant status": "consent-state-codes",
    "scheduling Appointment status": "appointmentstatus",
    "scheduling Slot status": "slotstatus",
}
"""What each thing's status is taken from. FHIR R4 has more value sets than resources that it fits."""

OF_OUR_OWN: Mapping[str, str] = {
    "coverage CareGap status": "open closed excluded",  # R4 has no resource of such
    "export-audit AccessEntry outcome": "granted denied",  # AuditEvent.outcome tells how grave a failure is
    "export-audit ExportJob status": "accepted in-progress completed failed expired cancelled",  # see below
    "patient-profile Patient status": "active inactive merged",  # Patient.active is a boolean
    "provider-directory Provider status": "active inactive",  # Practitioner.active is a boolean
}
"""Where R4 has no value set for it."""

_SAYS = re.compile(r"(https?://\S+), R4, whole\b")


def _claims(node: JSON, where: str) -> Iterator[tuple[str, str, list[str]]]:
    """(where, value set, codes) of every schema that says it has a whole one."""
    if isinstance(node, Mapping):
        said = _SAYS.search(str(node.get("description", "")))
        if said is not None and "enum" in node:
            yield where, said[1], list(node["enum"])
        for name, each in node.items():
            yield from _claims(each, f"{where}/{name}")
    elif isinstance(node, list):
        for each in node:
            yield from _claims(each, where)


def test_a_whole_value_set_is_the_published_one(contracts: Path) -> None:
    told = {
        (where, named): sorted(codes)
        for path in sorted(contracts.glob("*/*.yaml"))
        for where, named, codes in _claims(read_yaml(path), path.parent.name)
    }
    assert {named for _, named in told} >= {f"{FHIR}encounter-status", f"{FHIR}slotstatus"}
    published = {name: sorted(codes.split()) for name, codes in WHOLE.items()}
    assert told == {(where, named): published.get(named) for where, named in told}


def _statuses(system: System) -> dict[str, list[str]]:
    """What says how any thing of any service stands → its codes."""
    return {
        f"{contract.service} {schema} {name}": list(codes)
        for contract in system.contracts.values()
        for schema in kept(contract)
        for name, each in properties(contract.schemas[schema]).items()
        if name == _lifecycle_s(contract, schema) or name == "outcome" or name.lower().endswith("status")
        if isinstance(codes := says(each, "enum"), list)
    }


def _lifecycle_s(contract: Contract, schema: str) -> str | None:
    lifecycle = contract.lifecycles.get(schema)
    return lifecycle.status if lifecycle is not None else None


def test_every_status_is_that_of_its_value_set_whole(contracts: Path) -> None:
    """Also those that a lifecycle never reaches: whoever reads one of another system must know it."""
    system = load_system(contracts)
    told = {name: sorted(codes) for name, codes in _statuses(system).items()}
    assert {name.split()[0] for name in told} == set(system.contracts), "a service has none"
    published = {name: sorted(WHOLE[f"{FHIR}{named}"].split()) for name, named in STATUSES.items()}
    assert told == published | {name: sorted(codes.split()) for name, codes in OF_OUR_OWN.items()}


def test_an_export_stands_as_tasks_do_until_its_time_is_over() -> None:
    own = set(OF_OUR_OWN["export-audit ExportJob status"].split())
    assert own - set(WHOLE[f"{FHIR}task-status"].split()) == {"expired"}
