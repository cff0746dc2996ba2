"""``portal mock`` from outside: faults of ``portal.toml``, the control port, the journal."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.e2e.portal import portal, running

OPENAPI = """
openapi: 3.1.0
info: {title: Shop, version: 1.0.0}
paths:
  /things/{id}:
    get:
      operationId: getThing
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses:
        '200':
          description: A thing
          content: {application/json: {schema: {type: object}, example: {id: a}}}
"""

ASYNCAPI = """
asyncapi: 3.0.0
info: {title: Sensor, version: 1.0.0}
channels:
  read: {address: sensor.read, messages: {read: {$ref: '#/components/messages/Read'}}}
  dead: {address: sensor.dead, messages: {dead: {payload: {}}}}
  set: {address: sensor.set, messages: {set: {payload: {type: object, required: [rate]}}}}
operations:
  reading: {action: send, channel: {$ref: '#/channels/read'}}
  setRate: {action: receive, channel: {$ref: '#/channels/set'}, x-dead-letter: dead}
components:
  messages:
    Read:
      payload: {type: object, required: [celsius], properties: {celsius: {type: number}}}
      headers: {type: object, required: [unit], properties: {unit: {type: string, enum: [C]}}}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "openapi.yaml").write_text(OPENAPI)
    return tmp_path


def configured(folder: Path, text: str) -> None:
    (folder / "portal.toml").write_text(text)


def test_faults_of_portal_toml_happen_and_are_listed(shop: Path) -> None:
    configured(
        shop,
        """
        [[mock.fault]]
        operation = "getThing"
        fault = "status=503; retry-after=2"
        match.path = {id = "b"}

        [[mock.fault]]
        service = "stock"
        fault = "reset"
        """,
    )
    with running(["mock", "shop", "--kafka", "none"], shop, cwd=shop) as (_, ready):
        url, control = ready["services"]["shop"], ready["control"]["shop"]
        assert [httpx.get(f"{url}/things/{id}").status_code for id in "ab"] == [200, 503]
        (rule,) = httpx.get(f"{control}/faults").json()["faults"]
        assert (rule["id"], rule["struck"]) == ("portal.toml-1", 1)
        entries = httpx.get(f"{control}/journal").json()["entries"]
        assert [each["fault"] for each in entries] == [None, "status=503; retry-after=2"]
    log = (shop / "log.txt").read_text()
    assert f"control {control}" in log
    assert "this fault is for 'stock', which is not mocked here" in log
    with running(["mock", "shop", "--kafka", "none", "--no-faults"], shop, cwd=shop) as (_, ready):
        assert httpx.get(ready["services"]["shop"] + "/things/b").status_code == 200


def test_the_control_port_can_be_chosen(shop: Path) -> None:
    with running(["mock", "shop", "--kafka", "none"], shop, cwd=shop) as (_, ready):
        taken = ready["control"]["shop"].rpartition(":")[2]
        refused = portal("mock", "shop", "--kafka", "none", "--control-port", taken, cwd=shop)
        assert refused.code == 2
        assert f"port {taken} for shop's control is in use" in refused.err
    chosen = ["mock", "shop", "--kafka", "none", "--control-port", taken]
    with running(chosen, shop, cwd=shop) as (_, ready):
        assert ready["control"] == {"shop": f"http://127.0.0.1:{taken}"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[mock.fault]\n", "portal.toml:1: this is not valid TOML"),
        ("\n[[mock.fault]]\nfault = 'latancy=3'\n", "portal.toml:2: there is no fault 'latancy'"),
        ("[[mock.fault]]\nfault = 'reset'\noperation = 'getThings'\n", "Did you mean 'getThing'?"),
        ("[mock]\nfault = 1\n", "mock.fault: this is no list of tables"),
    ],
)
def test_a_rule_that_cannot_be_is_one_paragraph(shop: Path, text: str, said: str) -> None:
    configured(shop, text)
    ran = portal("mock", "shop", "--kafka", "none", cwd=shop)
    assert ran.code == 2
    assert said in ran.err
    assert "Traceback" not in ran.text


def test_an_asyncapi_contract_alone_is_enough(tmp_path: Path) -> None:
    (tmp_path / "sensor").mkdir()
    (tmp_path / "sensor" / "asyncapi.yaml").write_text(ASYNCAPI)
    with running(["mock", "sensor"], tmp_path, cwd=tmp_path) as (_, ready):
        control = ready["control"]["sensor"]
        said = httpx.post(f"{control}/events", json={"operation": "reading"}).json()
        assert (said["topic"], said["headers"]["unit"]) == ("sensor.read", "C")
        (entry,) = httpx.get(f"{control}/journal").json()["entries"]
        assert (entry["kind"], entry["operation"]) == ("published", "reading")
        assert set(entry["message"]["body"]) >= {"celsius"}
