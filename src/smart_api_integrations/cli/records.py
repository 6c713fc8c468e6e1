"""What ``list``, ``show`` and ``export`` of every kind of record have in common. Floor 10."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from smart_api_integrations.cli.asking import open_desk
from smart_api_integrations.cli.tables import table

Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="How many at most, newest first.")]
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Format(StrEnum):
    """How records are exported."""

    NDJSON = "ndjson"
    CSV = "csv"


ExportFormat = Annotated[Format, typer.Option("--format", help="One JSON object a line, or CSV.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Which records are asked for: of which database or server."""

    url: str | None = None
    database_url: str | None = None
    key_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """One kind of record.

    Attributes:
        path: Where the API lists them.
        columns: The fields that people see in a list.
        paged: Whether the API gives them in pages; else all at once.
    """

    path: str
    columns: Sequence[str]
    paged: bool = True

    async def listed(
        self, where: Where, query: Mapping[str, Any] | None = None, *, limit: int = 50, as_json: bool
    ) -> None:
        """Print the newest as a table, or as one JSON object a line."""
        async with open_desk(url=where.url, database_url=where.database_url, key_file=where.key_file) as desk:
            if self.paged:
                items = [item async for item in desk.pages(self.path, query, limit=limit)]
            else:
                items = (await desk.ask(self.path, query))[:limit]
        if as_json:
            for item in items:
                typer.echo(json.dumps(item, ensure_ascii=False))
            return
        head = [column.upper() for column in self.columns]
        typer.echo(
            table(head, [[_cell(column, item.get(column)) for column in self.columns] for item in items])
        )

    async def shown(self, where: Where, record_id: str, *, as_json: bool) -> None:
        """Print one record whole."""
        async with open_desk(url=where.url, database_url=where.database_url, key_file=where.key_file) as desk:
            found = await desk.ask(f"{self.path}/{record_id}")
        typer.echo(json.dumps(found, ensure_ascii=False, indent=None if as_json else 2))

    async def done_again(
        self, where: Where, record_id: str, verb: str, *, as_json: bool, **query: Any
    ) -> None:
        """Do one record again by *verb*, and print the work that is due now."""
        async with open_desk(url=where.url, database_url=where.database_url, key_file=where.key_file) as desk:
            found = await desk.ask(f"{self.path}/{record_id}/{verb}", query, method="POST")
        for part in found if isinstance(found, list) else [found]:
            told = (
                json.dumps(part, ensure_ascii=False) if as_json else f"{part['id']} is due: {part['target']}"
            )
            typer.echo(told)

    async def exported(self, where: Where, query: Mapping[str, Any] | None = None, *, form: Format) -> None:
        """Print all of them as they come, so that any number fits."""
        write = _csv_writer() if form is Format.CSV else _write_json
        async with open_desk(url=where.url, database_url=where.database_url, key_file=where.key_file) as desk:
            if self.paged:
                async for item in desk.pages(self.path, query):
                    write(item)
            else:
                for item in await desk.ask(self.path, query):
                    write(item)


def _write_json(item: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(item, ensure_ascii=False) + "\n")


def _csv_writer() -> Any:
    """Return a function that writes a record as a line, and before the first one the names."""
    lines = csv.writer(sys.stdout, lineterminator="\n")
    columns: list[str] = []

    def write(item: Mapping[str, Any]) -> None:
        if not columns:
            columns.extend(item)
            lines.writerow(columns)
        lines.writerow([_harmless(item.get(column)) for column in columns])

    return write


def _harmless(value: Any) -> str:
    """Return a cell that no spreadsheet takes for a formula (OWASP: CSV injection)."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text


def _cell(column: str, value: Any) -> str:
    if value is None:
        return "-"
    if column.endswith("_at") and isinstance(value, str):
        return _ago(datetime.fromisoformat(value))
    if isinstance(value, list):
        return ",".join(map(str, value)) or "-"
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _ago(moment: datetime) -> str:
    """Return how far a time is from now, in its largest unit: ``3 min``, ``in 2 h``."""
    seconds = (datetime.now(UTC) - moment).total_seconds()
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        if abs(seconds) >= size:
            return (
                f"{abs(seconds) / size:.0f} {unit}" if seconds > 0 else f"in {abs(seconds) / size:.0f} {unit}"
            )
    return "now"
