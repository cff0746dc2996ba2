"""Files in messages: what they are called is what they are, and a browser does not show them."""

from __future__ import annotations

import pytest

from tests.services.correspondence import JPEG, PDF, PNG, SERVICE, attached, begun, pdf, png, said, say
from tests.services.portal import ESTHER, STAFF, Portal, patient


@pytest.mark.parametrize(
    ("kind", "content", "suffix"),
    [("image/png", PNG, "png"), ("image/jpeg", JPEG, "jpg"), ("application/pdf", PDF, "pdf")],
    ids=["png", "jpeg", "pdf"],
)
def test_a_file_comes_back_as_it_was_sent_and_is_not_shown_in_a_page(
    portal: Portal, kind: str, content: bytes, suffix: str
) -> None:
    thread = begun(portal)
    made = attached(portal, thread, patient(ESTHER), content, kind)
    assert made.status_code == 201, made.text
    assert made.json()["size"] == len(content)
    path = f"/attachments/{made.json()['id']}"
    for accept in ("*/*", kind, "text/html, */*;q=0.8"):
        answer = portal.call(SERVICE, "GET", path, STAFF, Accept=accept)
        assert (answer.status_code, answer.content) == (200, content)
        assert answer.headers["Content-Type"] == kind
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        named = f'attachment; filename="{made.json()["id"]}.{suffix}"'
        assert answer.headers["Content-Disposition"] == named
    known = portal.call(SERVICE, "GET", path, STAFF, Accept="application/json")
    assert known.json() == made.json()
    assert "data" not in known.json()
    other = "image/png" if kind != "image/png" else "image/jpeg"
    assert portal.call(SERVICE, "GET", path, STAFF, Accept=other).status_code == 406
    assert portal.call(SERVICE, "GET", path, STAFF, Accept="text/html").status_code == 406


PAGE = b"<html><script>alert(1)</script></html>"


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("image/png", PDF),
        ("image/jpeg", PNG),
        ("application/pdf", PNG),
        ("image/png", PAGE),
        ("application/pdf", PAGE),
        ("image/png", PNG[:8]),
        ("image/png", PNG[:-1]),
        ("image/png", PNG + PAGE),
        ("image/png", PNG[:30] + b"\xff" + PNG[31:]),
        ("image/png", png(0)),
        ("image/png", PNG[:33] + PNG[-12:]),
        ("image/jpeg", JPEG[:4]),
        ("image/jpeg", JPEG[:-2]),
        ("image/jpeg", JPEG + PAGE + b"\xff\xd9"),
        ("image/jpeg", b"\xff\xd8\xff\xd9"),
        ("image/jpeg", JPEG[:8] + JPEG[21:]),
        ("application/pdf", PDF[:9]),
        ("application/pdf", PDF[:-7]),
        ("application/pdf", PAGE + PDF),
        ("application/pdf", PDF + PAGE),
        ("application/pdf", PDF.replace(b"xref\n0", b"yref\n0")),
    ],
)
def test_a_file_that_is_not_what_it_is_called_is_refused(portal: Portal, kind: str, content: bytes) -> None:
    answer = attached(portal, begun(portal), patient(ESTHER), content, kind)
    assert answer.status_code == 422, answer.text
    assert [each["pointer"] for each in answer.json()["errors"]] == ["/data"]


def test_other_kinds_of_files_are_not_taken(portal: Portal) -> None:
    for kind in ("text/html", "image/svg+xml", "application/zip"):
        assert attached(portal, begun(portal), patient(ESTHER), PAGE, kind).status_code == 400
    body = {"contentType": "image/png", "title": "x", "data": "no base64!"}
    assert portal.make(SERVICE, f"/threads/{begun(portal)}/attachments", STAFF, body).status_code == 400


def test_a_file_has_a_largest_size(portal: Portal) -> None:
    thread, most = begun(portal), 512 * 1024
    spare = most - len(pdf(b"%" + b"x" * most + b"\n")) + most
    whole = pdf(b"%" + b"x" * spare + b"\n")
    assert len(whole) == most
    assert attached(portal, thread, patient(ESTHER), whole, "application/pdf").status_code == 201
    larger = pdf(b"%" + b"x" * (spare + 1) + b"\n")
    assert attached(portal, thread, patient(ESTHER), larger, "application/pdf").status_code in {400, 422}
    far = b"x" * (1024 * 1024)
    assert attached(portal, thread, patient(ESTHER), far, "application/pdf").status_code == 413


def test_a_message_names_files_of_its_own_thread(portal: Portal) -> None:
    thread, by = begun(portal), patient(ESTHER)
    mine = attached(portal, thread, by, PNG).json()["id"]
    other = attached(portal, begun(portal), by, PNG).json()["id"]
    assert said(portal, thread, by, attachmentIds=[mine])["attachmentIds"] == [mine]
    for wrong in (other, "att-nowhere00"):
        answer = say(portal, thread, by, attachmentIds=[mine, wrong])
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/attachmentIds/1")
