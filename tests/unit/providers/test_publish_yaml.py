"""``publish:`` of YAML files: the packaged maps make what the fourth guide makes; faults have lines."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from smart_api_integrations.core.publish_maps import variables_of
from smart_api_integrations.core.webhook_schema import WebhookEvent
from smart_api_integrations.errors import ConfigurationError
from smart_api_integrations.providers.catalogue import load_definitions

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
AT = {"timestamp": "2026-01-01T12:00:00Z"}
FROM_STRIPE = {"provider": "stripe", **AT}
FROM_TWILIO = {"provider": "twilio", **AT}
REPO = {"repository": {"full_name": "octo/hello"}}
SHOP = {"X-Shopify-Shop-Domain": "a.myshopify.com"}


def published(
    provider: str, type_: str, payload: Any, headers: dict[str, str] | None = None, folder: Path | None = None
) -> list[tuple[str, Any]]:
    name, _, action = type_.partition(":")
    event = WebhookEvent(
        id="evt_1",
        provider=provider,
        type=name,
        action=action or None,
        payload=payload,
        headers=headers or {},
        timestamp=NOON,
    )
    webhook = load_definitions(folder)[provider, "default"].webhook
    seen = variables_of(event, webhook_name="default")
    made = (each.made_of(seen, event=event) for each in webhook.publish)
    return [(internal.type, internal.data) for internal in made if internal is not None]


def of_stripe(**object_: Any) -> dict[str, Any]:
    return {"data": {"object": object_}}


# What each handler of the fourth guide returns for the payload, with the times that are ours.
GUIDE = [
    pytest.param(
        "stripe",
        "payment_intent.succeeded",
        of_stripe(id="pi_1", amount=2000, currency="usd", customer="cus_1", metadata={"order_id": "o_1"}),
        "payment.completed",
        {
            "payment_intent_id": "pi_1",
            "amount": 20.0,
            "currency": "usd",
            "customer_id": "cus_1",
            "metadata": {"order_id": "o_1"},
            **FROM_STRIPE,
        },
        id="stripe-payment-succeeded",
    ),
    pytest.param(
        "stripe",
        "payment_intent.payment_failed",
        of_stripe(id="pi_1", amount=500, currency="jpy", last_payment_error={"message": "declined"}),
        "payment.failed",
        {
            "payment_intent_id": "pi_1",
            "amount": 500.0,
            "currency": "jpy",
            "customer_id": None,
            "metadata": None,
            "failure_reason": "declined",
            **FROM_STRIPE,
        },
        id="stripe-payment-failed",
    ),
    pytest.param(
        "stripe",
        "customer.subscription.created",
        of_stripe(
            id="sub_1",
            customer="cus_1",
            status="active",
            items={"data": [{"price": {"id": "price_1"}, "current_period_end": 2}]},
            current_period_start=1,
        ),
        "subscription.created",
        {
            "subscription_id": "sub_1",
            "customer_id": "cus_1",
            "status": "active",
            "plan_id": "price_1",
            "current_period_start": 1,
            "current_period_end": 2,
            **FROM_STRIPE,
        },
        id="stripe-subscription-created",
    ),
    pytest.param(
        "stripe",
        "invoice.payment_succeeded",
        of_stripe(id="in_1", subscription="sub_1", customer="cus_1", amount_paid=1050, currency="eur"),
        "invoice.paid",
        {
            "invoice_id": "in_1",
            "subscription_id": "sub_1",
            "customer_id": "cus_1",
            "amount_paid": 10.5,
            "currency": "eur",
            **FROM_STRIPE,
        },
        id="stripe-invoice-paid",
    ),
    pytest.param(
        "twilio",
        "delivered",
        {"MessageSid": "SM1", "MessageStatus": "delivered", "To": "+1", "From": "+2"},
        "sms.status_update",
        {
            "message_sid": "SM1",
            "status": "delivered",
            "to": "+1",
            "from": "+2",
            "error_code": None,
            "error_message": None,
            **FROM_TWILIO,
        },
        id="twilio-message",
    ),
    pytest.param(
        "twilio",
        "completed",
        {"CallSid": "CA1", "CallStatus": "completed", "To": "+1", "From": "+2", "CallDuration": "12"},
        "call.status_update",
        {"call_sid": "CA1", "status": "completed", "to": "+1", "from": "+2", "duration": "12", **FROM_TWILIO},
        id="twilio-call",
    ),
    pytest.param(
        "github",
        "push",
        {
            **REPO,
            "ref": "refs/heads/main",
            "commits": [{}, {}],
            "pusher": {"name": "octo"},
            "head_commit": {"id": "c1"},
        },
        "git.push",
        {
            "repository": "octo/hello",
            "ref": "refs/heads/main",
            "commits": 2,
            "pusher": "octo",
            "head_commit": "c1",
            **AT,
        },
        id="github-push",
    ),
    pytest.param(
        "github",
        "pull_request:synchronize",
        {
            **REPO,
            "pull_request": {
                "number": 7,
                "title": "T",
                "user": {"login": "octo"},
                "base": {"ref": "main"},
                "head": {"ref": "b"},
            },
        },
        "pull_request.synchronize",
        {
            "repository": "octo/hello",
            "pr_number": 7,
            "title": "T",
            "author": "octo",
            "base_branch": "main",
            "head_branch": "b",
            **AT,
        },
        id="github-pull-request",
    ),
    pytest.param(
        "github",
        "issues:closed",
        {**REPO, "issue": {"number": 3, "title": "T", "user": {"login": "o"}, "labels": [{"name": "bug"}]}},
        "issue.closed",
        {
            "repository": "octo/hello",
            "issue_number": 3,
            "title": "T",
            "author": "o",
            "labels": ["bug"],
            **AT,
        },
        id="github-issue",
    ),
    pytest.param(
        "shopify",
        "orders/create",
        {
            "id": 820982911946154508,
            "order_number": 1,
            "customer": {"id": 5},
            "total_price": "10.50",
            "currency": "EUR",
            "line_items": [1, 2],
        },
        "order.created",
        {
            "order_id": 820982911946154508,
            "order_number": 1,
            "customer_id": 5,
            "total_price": 10.5,
            "currency": "EUR",
            "line_items_count": 2,
            "shop_domain": "a.myshopify.com",
            **AT,
        },
        id="shopify-order",
    ),
    pytest.param(
        "shopify",
        "orders/paid",
        {"id": 1, "order_number": 1, "total_price": "1", "currency": "EUR", "financial_status": "paid"},
        "order.paid",
        {
            "order_id": 1,
            "order_number": 1,
            "total_price": 1.0,
            "currency": "EUR",
            "financial_status": "paid",
            "shop_domain": "a.myshopify.com",
            **AT,
        },
        id="shopify-paid",
    ),
    pytest.param(
        "shopify",
        "customers/create",
        {"id": 1, "email": "a@b.c", "first_name": "A", "last_name": None},
        "customer.created",
        {
            "customer_id": 1,
            "email": "a@b.c",
            "first_name": "A",
            "last_name": None,
            "orders_count": 0,
            "shop_domain": "a.myshopify.com",
            **AT,
        },
        id="shopify-customer",
    ),
]


@pytest.mark.parametrize(("provider", "type_", "payload", "internal", "data"), GUIDE)
def test_event_becomes_what_the_guide_publishes(provider, type_, payload, internal, data):
    headers = SHOP if provider == "shopify" else {}

    assert published(provider, type_, payload, headers) == [(internal, data)]


@pytest.mark.parametrize("type_", ["issues:labeled", "star:created", "ping"])
def test_what_the_guide_does_not_publish_is_not_published(type_):
    assert published("github", type_, REPO) == []


def test_every_packaged_expression_can_be_used_and_names_an_internal_type():
    maps = [(key, each) for key, found in load_definitions(None).items() for each in found.webhook.publish]

    assert {key[0] for key, _ in maps} >= {"stripe", "twilio", "github", "shopify", "paypal", "slack"}
    for key, each in maps:
        assert list(each.faults()) == [], key
        assert "." in each.type, key


def test_every_sample_that_is_published_can_be_computed():
    """Each provider's typical events come out with data, and with its key where there is one."""
    seen = 0
    for (provider, _), found in load_definitions(None).items():
        for sample in found.samples:
            type_ = f"{sample.event}:{sample.action or ''}"
            for _, data in published(provider, type_, sample.payload):
                seen += 1
                assert any(value is not None for value in data.values()), (provider, sample.event)

    assert seen >= 10


def own_file(folder: Path, text: str) -> Path:
    (folder / "stripe").mkdir(parents=True)
    (folder / "stripe" / "webhook.yaml").write_text(text)
    return folder


def test_own_file_changes_adds_and_switches_off_entries(tmp_path):
    folder = own_file(
        tmp_path,
        """
webhooks:
  default:
    publish:
      payment_intent.succeeded: {type: paid, data: {whole: payload.data.object.amount}}
      payment_intent.payment_failed: {disabled: true}
      customer.deleted:
        - {type: customer.deleted, data: payload.data.object}
        - {type: customer.gone, when: payload.data.object.id == "cus_2"}
""",
    )

    ((name, data),) = published("stripe", "payment_intent.succeeded", of_stripe(amount=5), folder=folder)
    assert (name, data["whole"], data["provider"]) == ("paid", 5, "stripe")
    assert published("stripe", "payment_intent.payment_failed", of_stripe(id="pi"), folder=folder) == []
    assert published("stripe", "customer.deleted", of_stripe(id="cus_1"), folder=folder) == [
        ("customer.deleted", {"id": "cus_1"})
    ]
    assert (
        published("stripe", "invoice.payment_succeeded", of_stripe(id="in"), folder=folder)[0][0]
        == "invoice.paid"
    )


@pytest.mark.parametrize(
    ("publish", "told"),
    [
        (
            "a.b: {type: x, data: {n: payload.n +}}",
            r"line 6, publish\.a\.b\.data\.n: `payload\.n \+` is not CEL",
        ),
        ("a.b: {type: x, when: paylod.n}", r"line 6, publish\.a\.b\.when: .*'paylod' is unknown"),
        ("a.b: [{type: x}, {type: y, key: '1 +'}]", r"line 6, publish\.a\.b\.1\.key"),
        ("payment_intent.succeeded: {data: {n: 'x('}}", r"line 6, .*is not CEL"),
        ("a.b: {data: payload}", r"publish\.a\.b: say what it is called inside"),
        ("a.b: {typ: x}", r"line 6, .*typ: this key is unknown, did you mean 'type'"),
    ],
)
def test_fault_of_an_own_file_is_told_with_its_line_when_it_is_loaded(tmp_path, publish, told):
    folder = own_file(tmp_path, f"\nwebhooks:\n  default:\n    mode: queued\n    publish:\n      {publish}\n")

    with pytest.raises(ConfigurationError, match=told):
        load_definitions(folder)
