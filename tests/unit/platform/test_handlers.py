"""A missing handler is an error at start that says what to write."""

from __future__ import annotations

from types import ModuleType

import pytest

from harness.contract.model import Contract, Place
from harness.errors import ContractError, UsageError
from harness.serving.keys import KeyStore
from reference_services.platform.engine import open_database
from reference_services.platform.handlers import import_handlers, resolve
from reference_services.platform.service import build_service
from tests.unit.platform.desk import Desk, Told, desk_module


@pytest.fixture(scope="module")
def contract() -> Contract:
    return Desk().contract


def without(*names: str) -> ModuleType:
    module = desk_module(Told())
    for name in names:
        delattr(module, name)
    return module


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("takeTicket", "work: Work, request: Request"), ("noteWritten", "work: Work, message: IncomingMessage")],
)
def test_a_missing_handler_names_contract_operation_and_function(
    contract: Contract, name: str, arguments: str
) -> None:
    with pytest.raises(ContractError) as caught:
        build_service(contract, None, KeyStore(), handlers=without(name))
    error = caught.value
    assert f"operation {name} of contract desk" in error.found
    assert f"def {name}({arguments}) in desk_handlers" in error.expected
    assert ".yaml:" in error.where


def test_all_that_are_missing_are_named_at_once(contract: Contract) -> None:
    with pytest.raises(ContractError) as caught:
        resolve(contract, without("openTicket", "getTicket", "noteWritten"))
    for name in ("openTicket", "getTicket", "noteWritten"):
        assert name in caught.value.found


def test_a_service_without_a_module_says_where_one_is_expected() -> None:
    with pytest.raises(ContractError) as caught:
        import_handlers("no-such-service", Place("x.yaml", 1))
    assert "reference_services.no_such_service.handlers" in caught.value.expected


@pytest.mark.parametrize("url", ["nonsense", "sqlite:////no/such/folder/x.db", "postgresql://127.0.0.1:1/x"])
def test_a_database_that_cannot_be_used_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_database(url)
    assert "sqlite:////path" in caught.value.expected
