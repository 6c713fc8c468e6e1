"""The dashboard and the alert rules speak of metrics and labels that there are, and of all of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from smart_api_integrations.watch.metric_table import METRICS, Metric
from tests.docs.pages import ROOT

DEPLOY = ROOT / "deploy"
NAMES = {metric.name: metric for metric in METRICS}
PARTS = ("_bucket", "_sum", "_count")


def dashboard_expressions() -> Iterator[tuple[str, str]]:
    dashboard = json.loads((DEPLOY / "grafana-dashboard.json").read_text("utf-8"))
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["name"], variable["query"]


def rules() -> list[dict[str, Any]]:
    document = yaml.safe_load((DEPLOY / "prometheus-alerts.yaml").read_text("utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def expressions() -> list[tuple[str, str]]:
    return [*dashboard_expressions(), *((str(rule["alert"]), str(rule["expr"])) for rule in rules())]


def metric_of(name: str) -> Metric:
    for part in ("", *PARTS):
        if part and not name.endswith(part):
            continue
        found = NAMES.get(name.removesuffix(part) if part else name)
        if found is not None and (not part or found.kind == "histogram"):
            return found
    message = f"{name} is no metric"
    raise AssertionError(message)


@pytest.mark.parametrize(("where", "expression"), expressions())
def test_every_name_and_label_exists(where, expression):
    names = re.findall(r"\bwebhooks_[a-z_]+", expression)
    metrics = [metric_of(name) for name in names]
    known = {label for metric in metrics for label in metric.labels} | {"job"}
    used = set(re.findall(r"([a-z_]+)\s*(?:=~|!=|=)\s*\"", expression))
    for group in re.findall(r"by \(([^)]*)\)", expression):
        used |= {label.strip() for label in group.split(",")} - {"le"}

    assert names, where
    assert used <= known, where


@pytest.mark.parametrize(("where", "expression"), expressions())
def test_counters_are_read_by_their_rate_and_gauges_by_their_maximum(where, expression):
    for name in re.findall(r"\bwebhooks_[a-z_]+", expression):
        is_gauge = metric_of(name).kind == "gauge"
        in_rate = re.search(rf"(?:rate|increase)\({name}\b", expression) is not None
        assert in_rate is not is_gauge or "label_values" in expression, where
        if is_gauge:
            assert f"sum({name}" not in expression, where
    assert expression.count("(") == expression.count(")")


def test_the_dashboard_shows_every_metric():
    shown = {
        metric_of(name).name
        for _, expression in dashboard_expressions()
        for name in re.findall(r"\bwebhooks_[a-z_]+", expression)
    }

    assert shown == set(NAMES)


def test_every_rule_says_how_bad_it_is_and_what_to_do():
    for rule in rules():
        assert rule["labels"]["severity"] in {"info", "warning", "critical"}
        assert rule["annotations"].keys() == {"summary", "action"}
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names)


def test_panels_do_not_lie_upon_each_other():
    panels = json.loads((DEPLOY / "grafana-dashboard.json").read_text("utf-8"))["panels"]
    cells = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]

    assert len(set(cells)) == len(cells)
    assert all(x < 24 for x, _ in cells)
    assert len({panel["id"] for panel in panels}) == len(panels)
