"""Promises about what a webhook needs: nothing verifies by a secret that is not set."""

from __future__ import annotations

import pytest

from smart_api_integrations.core.signatures.needs import Needs, named_variables
from smart_api_integrations.core.signatures.secrets import SecretForm
from smart_api_integrations.errors import SecretMissing

A = Needs(form=SecretForm(names=("A",), part="0"))
B = Needs(form=SecretForm(names=("B", "B2"), part="1"), variables=("ID",))


def test_one_way_needs_its_secret_and_its_variables():
    assert B.missing({}) == "B"
    assert B.missing({"B2": "x"}) == "ID"
    assert B.missing({"B2": "x", "ID": "1"}) is None


def test_of_several_ways_one_is_enough():
    needs = Needs(ways=(A, B), any_of=True)

    assert needs.missing({}) == "A"
    assert needs.missing({"B": "x"}) == "A"
    assert needs.missing({"A": "x"}) is None
    assert [secret.part for secret in needs.read({"A": "x", "B": "y"})] == ["0"]
    assert [secret.part for secret in needs.read({"A": "x", "B": "y", "ID": "1"})] == ["0", "1"]


def test_of_ways_that_are_all_needed_none_may_lack():
    needs = Needs(ways=(A, B))

    assert needs.missing({"A": "x"}) == "B"
    assert needs.missing({"A": "x", "B": "x", "ID": "1"}) is None


@pytest.mark.parametrize("blank", ["", "  "])
def test_a_variable_that_is_blank_is_told(blank):
    with pytest.raises(SecretMissing, match="ID is empty"):
        B.missing({"B": "x", "ID": blank})
    with pytest.raises(SecretMissing, match="A is empty"):
        A.read({"A": blank})


def test_the_variables_of_a_block_are_found_wherever_they_stand():
    block = {
        "secret": {"env": "SECRET"},
        "signed": "{header:X}|{env:ID}|{env:OPTIONAL?}",
        "audience": {"env": "AUDIENCE"},
        "require": {"{json:a}": ["{env:ONE|env:OTHER}", "x"]},
    }

    assert dict(named_variables(block)) == {
        "ID": True,
        "OPTIONAL": False,
        "AUDIENCE": True,
        "ONE": False,
        "OTHER": False,
    }
