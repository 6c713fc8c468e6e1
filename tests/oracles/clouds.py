"""Azure Event Grid, CloudEvents, Microsoft Graph."""

from __future__ import annotations

import json

from smart_api_integrations.core.webhook_schema import RawRequest
from tests.oracles.oracle import DOCUMENTATION, Oracle, documented, posted, refuses

GRAPH = "sample-client-state-of-graph"
NOTICE = {"subscriptionId": "1", "changeType": "created", "clientState": GRAPH}


@refuses(ValueError, KeyError, TypeError)
def graph_accepts(request: RawRequest) -> bool:
    # https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks: every item carries it
    items = json.loads(request.body)["value"]
    return bool(items) and all(item["clientState"] == GRAPH for item in items)


ORACLES = (
    documented(  # https://learn.microsoft.com/en-us/azure/event-grid/secure-webhook-delivery
        "azure_event_grid",
        "AZURE_EVENT_GRID_WEBHOOK_SECRET",
        lambda key, _body: {"aeg-sas-key": key},
        covers_body=False,
    ),
    documented(  # https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md
        "cloudevents",
        "CLOUDEVENTS_WEBHOOK_TOKEN",
        lambda key, _body: {"Authorization": f"Bearer {key}"},
        covers_body=False,
    ),
    Oracle(
        provider="microsoft_graph",
        library=DOCUMENTATION,
        environ={"MICROSOFT_GRAPH_CLIENT_STATE": GRAPH},
        other_environ={"MICROSOFT_GRAPH_CLIENT_STATE": "another-client-state-of-graph"},
        signs=lambda body: posted(body, {}),
        accepts=graph_accepts,
        bodies=(json.dumps({"value": [NOTICE, NOTICE]}).encode(),),
        covers_body=False,
        any_body=False,
    ),
)
