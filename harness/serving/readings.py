"""Who reads a service's figures beside those who ask for ``/metrics``. Nobody does unless somebody asked for
it at start."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol


class Sample(Protocol):
    """One value, as Prometheus' client library has it."""

    @property
    def name(self) -> str: ...

    @property
    def labels(self) -> Mapping[str, str]: ...

    @property
    def value(self) -> float: ...


class Family(Protocol):
    """One figure's samples. ``type`` is Prometheus' word: counter, gauge or histogram."""

    name: str
    documentation: str
    type: str

    @property
    def samples(self) -> Sequence[Sample]: ...


class Registry(Protocol):
    """The one set of a service's figures."""

    def collect(self) -> Iterable[Family]:
        """All of them as they are now."""


Reader = Callable[[str, Registry], None]
"""Told of a service's name and figures, once."""


class _Readers:
    """Who reads in this process."""

    reader: Reader | None = None


def read_figures(reader: Reader | None) -> None:
    """Show this one the figures of all that is built from now on; None shows them to nobody."""
    _Readers.reader = reader


def show_figures(service: str, registry: Registry) -> None:
    """A service that is being built shows its figures."""
    if _Readers.reader is not None:
        _Readers.reader(service, registry)
