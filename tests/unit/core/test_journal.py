"""The records: nothing changes them, and nothing is given by position."""

from __future__ import annotations

import dataclasses
import inspect

import pytest

from smart_api_integrations.core import journal

RECORDS = [
    record
    for _, record in inspect.getmembers(journal, dataclasses.is_dataclass)
    if record.__module__ == journal.__name__
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_records_are_frozen_slotted_and_named(record: type):
    parameters = record.__dataclass_params__  # type: ignore[attr-defined]

    # those that every request makes are closed to assignment by the type checker alone: core.records
    assert parameters.frozen or (
        parameters.unsafe_hash and record in {journal.ReceivedEvent, journal.Accepted}
    )
    assert "__slots__" in vars(record)
    assert {each.kind for each in inspect.signature(record).parameters.values()} == {
        inspect.Parameter.KEYWORD_ONLY
    }
