"""Contracts: files in, one frozen model out. ``load`` reads one service, ``load_system`` all of a folder."""

from __future__ import annotations

from harness.contract.system import load, load_system

__all__ = ["load", "load_system"]
