"""Connexion's names, imported quietly.

Importing it touches starlette's test client (which wants httpx2) and jsonschema's old resolver; we use
neither, and nobody who runs a service can do anything about the two warnings.
"""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message="Using `httpx` with `starlette.testclient` is deprecated")
    warnings.filterwarnings("ignore", message=r"jsonschema\.\S+ is deprecated", category=DeprecationWarning)
    from connexion import AsyncApp
    from connexion.exceptions import InvalidSpecification
    from connexion.middleware.abstract import RoutedAPI, RoutedMiddleware
    from connexion.operations import AbstractOperation
    from connexion.resolver import Resolution, Resolver

__all__ = [
    "AbstractOperation",
    "AsyncApp",
    "InvalidSpecification",
    "Resolution",
    "Resolver",
    "RoutedAPI",
    "RoutedMiddleware",
]
