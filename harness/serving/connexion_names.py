"""Connexion's names, imported quietly, and without libraries that only its parts call which we do not use.

Importing it touches starlette's test client (which wants httpx2) and jsonschema's old resolver; we use
neither, and nobody who runs a service can do anything about the two warnings.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

_CALLED_LATER = ("httpx", "requests", "starlette.templating", "starlette.testclient")
"""What Connexion imports, and calls to fetch documents, to show them and to test applications: with what they
import themselves (httpx, urllib3) a good part of a mock's start."""


class _Later(ModuleType):
    """Stands for a module while Connexion is imported; what it has imports the module when it is called."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def call(*arguments: Any, **named: Any) -> Any:
            return getattr(import_module(self.__name__), name)(*arguments, **named)

        return call


@contextmanager
def _called_later() -> Iterator[None]:
    standing = {name: _Later(name) for name in _CALLED_LATER if name not in sys.modules}
    sys.modules.update(standing)
    try:
        yield
    finally:
        for name in standing:
            del sys.modules[name]


with warnings.catch_warnings(), _called_later():
    warnings.filterwarnings("ignore", message="Using `httpx` with `starlette.testclient` is deprecated")
    warnings.filterwarnings("ignore", message=r"jsonschema\.\S+ is deprecated", category=DeprecationWarning)
    from connexion import ConnexionMiddleware
    from connexion.middleware.abstract import RoutedAPI, RoutedMiddleware
    from connexion.middleware.main import API
    from connexion.operations import AbstractOperation
    from connexion.resolver import Resolution, Resolver
    from connexion.spec import OpenAPISpecification

__all__ = [
    "API",
    "AbstractOperation",
    "ConnexionMiddleware",
    "OpenAPISpecification",
    "Resolution",
    "Resolver",
    "RoutedAPI",
    "RoutedMiddleware",
]
