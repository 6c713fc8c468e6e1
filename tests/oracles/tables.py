"""Every row of every table in this folder."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from tests.oracles.oracle import Oracle

_NO_TABLES = {"oracle", "tables"}

ORACLES: tuple[Oracle, ...] = tuple(
    oracle
    for path in sorted(Path(__file__).resolve().parent.glob("*.py"))
    if path.stem not in _NO_TABLES
    for oracle in import_module(f"tests.oracles.{path.stem}").ORACLES
)
