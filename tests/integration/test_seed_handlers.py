"""Every way of writing handlers that the three guides show, as they write it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from smart_api_integrations.core.webhook_registry import get_webhook_registry
from smart_api_integrations.webhooks import WebhookEvent, WebhookResponse, process_event


@pytest.fixture(autouse=True)
def _no_handlers() -> Iterator[None]:
    get_webhook_registry().clear()
    yield
    get_webhook_registry().clear()


def run_as_written(program: str, **names: Any) -> SimpleNamespace:
    """Run a guide's text as a module of its own; return its names."""
    names["__name__"] = "guide"
    exec(program, names)  # noqa: S102 - the text is below
    return SimpleNamespace(**names)


def answer(event_type: str, payload: dict[str, Any], **more: Any) -> WebhookResponse:
    return process_event(
        WebhookEvent(**{"provider": "myapi", "type": event_type, "payload": payload, **more})
    )


CLASS = """
from smart_api_integrations.webhooks import WebhookHandler

class MyAPIWebhookHandler(WebhookHandler):
    '''
    Comprehensive webhook handler for MyAPI events.
    '''
    provider = 'myapi'

    def on_user_created(self, event):
        '''Handle user.created events.'''
        user_data = event.payload['data']['user']
        user = create_user(external_id=user_data['id'])
        return self.success_response({
            'user_id': user.id,
            'external_id': user_data['id']
        })

    def on_payment_completed(self, event):
        '''Handle payment.completed events.'''
        payment = event.payload['data']['payment']
        try:
            order = complete_payment(payment['id'])
            return self.success_response({'order_id': order.id, 'status': 'completed'})
        except LookupError:
            return self.error_response(
                'Order not found',
                {'payment_id': payment['id']}
            )

    def on_user_deleted(self, event):
        return self.webhook_response(
            success=False,
            status_code=500,
            message="Internal server error"
        )

# Initialize the handler (registers all on_* methods)
myapi_handler = MyAPIWebhookHandler()
"""


def no_order(payment_id: str) -> Any:
    raise LookupError(payment_id)


def test_a_handler_class_and_its_responses_read_both_ways() -> None:
    guide = run_as_written(
        CLASS, create_user=lambda external_id: SimpleNamespace(id=1), complete_payment=no_order
    )
    created = {"data": {"user": {"id": "usr_123"}}}

    routed = answer("user.created", created)
    called = guide.myapi_handler.on_user_created(
        WebhookEvent(
            id="evt_test_123",
            type="user.created",
            provider="myapi",
            webhook_name="default",
            payload=created,
            headers={},
            timestamp=None,
            verified=True,
        )
    )
    missing = answer("payment.completed", {"data": {"payment": {"id": "pay_123"}}})
    broken = answer("user.deleted", {})

    for response in (routed, called):
        assert response["success"] is True
        assert response["data"]["external_id"] == "usr_123"
        assert response.json()["user_id"] == 1
    assert (missing.status_code, missing["message"], missing["data"]) == (
        400,
        "Order not found",
        {"payment_id": "pay_123"},
    )
    assert (broken.status_code, broken.success, broken.message) == (500, False, "Internal server error")


BATCH = """
from smart_api_integrations.webhooks import batch_webhook_handler

@batch_webhook_handler('myapi', [
    'resource.created',
    'resource.updated',
    'resource.deleted'
])
def handle_resource_events(event):
    '''Handle all resource-related events.'''
    resource = event.payload['data']['resource']

    if event.type == 'resource.created':
        return {'made': resource}
    elif event.type == 'resource.updated':
        return {'changed': resource}
    else:  # deleted
        return {'gone': resource}
"""


@pytest.mark.parametrize(("what", "key"), [("created", "made"), ("updated", "changed"), ("deleted", "gone")])
def test_a_batch_handler(what: str, key: str) -> None:
    run_as_written(BATCH)

    assert answer(f"resource.{what}", {"data": {"resource": 7}}).json()[key] == 7


MIDDLEWARE = """
from datetime import datetime
from smart_api_integrations.webhooks import WebhookResponse, webhook_handler, webhook_middleware

@webhook_middleware('myapi')
def log_all_events(event):
    '''Log all incoming webhook events.'''
    log.append(f"Webhook received: {event.provider} - {event.type}")

    # Add processing timestamp
    event.headers['X-Processed-At'] = str(datetime(2026, 1, 1))

    # Return None to continue processing
    return None

@webhook_middleware('myapi')
def validate_account(event):
    '''Validate webhook is for active account.'''
    account_id = event.payload.get('account_id')

    if not account_id:
        return WebhookResponse(
            success=False,
            status_code=400,
            message="Missing account_id"
        )

    account = accounts.get(account_id)
    if not account:
        return WebhookResponse(
            success=False,
            status_code=404,
            message="Account not found or inactive"
        )

    # Store account in event for handlers
    event.account = account
    return None

@webhook_middleware('myapi')
def transform_legacy_events(event):
    '''Transform legacy event format to new format.'''
    if event.type.startswith('legacy.'):
        # Transform legacy events
        event.type = event.type.replace('legacy.', '')

        # Transform payload structure
        if 'old_data' in event.payload:
            event.payload['data'] = event.payload['old_data']
            del event.payload['old_data']

    return None  # Continue processing

@webhook_handler('myapi', 'user.created')
def created(event):
    return {'account': event.account, 'data': event.payload['data'], 'at': event.headers['X-Processed-At']}
"""


@pytest.mark.parametrize(
    ("payload", "status", "message"),
    [({}, 400, "Missing account_id"), ({"account_id": "b"}, 404, "Account not found or inactive")],
)
def test_middleware_may_answer(payload: dict[str, Any], status: int, message: str) -> None:
    run_as_written(MIDDLEWARE, log=[], accounts={"a": "Acme"})

    response = answer("user.created", payload)

    assert (response.status_code, response.message, response.success) == (status, message, False)


def test_middleware_logs_attaches_and_transforms() -> None:
    guide = run_as_written(MIDDLEWARE, log=[], accounts={"a": "Acme"})

    response = answer("legacy.user.created", {"account_id": "a", "old_data": {"id": 7}})

    assert guide.log == ["Webhook received: myapi - legacy.user.created"]
    assert response.json()["data"]["data"] == {"id": 7}
    assert (response.json()["account"], response.json()["at"]) == ("Acme", "2026-01-01 00:00:00")


CONDITIONAL = """
from smart_api_integrations.webhooks import webhook_handler

@webhook_handler('myapi', 'order.updated')
def handle_order_updated(event):
    '''Handle order updates with conditions.'''
    order = event.payload['data']['order']
    previous = event.payload['data'].get('previous_attributes', {})

    # Only process if status changed
    if 'status' not in previous:
        return {'processed': False, 'reason': 'Status unchanged'}

    return {'processed': True, 'transition': f"{previous['status']} -> {order['status']}"}
"""


def test_a_conditional_handler() -> None:
    run_as_written(CONDITIONAL)
    order = {"status": "paid"}

    same = answer("order.updated", {"data": {"order": order}}).json()
    changed = answer(
        "order.updated", {"data": {"order": order, "previous_attributes": {"status": "new"}}}
    ).json()

    assert (same["processed"], same["reason"]) == (False, "Status unchanged")
    assert (changed["processed"], changed["transition"]) == (True, "new -> paid")


TENANTS = """
from smart_api_integrations.webhooks import WebhookHandler

class MultiTenantWebhookHandler(WebhookHandler):
    provider = 'myapi'
    webhook_name = 'multi_tenant'

    def get_account(self, event):
        '''Get account from webhook payload.'''
        account_id = event.payload.get('account_id')
        if not account_id:
            raise ValueError("Missing account_id in webhook")
        return accounts[account_id]

    def on_resource_created(self, event):
        return self.success_response({'account_id': self.get_account(event)})

MultiTenantWebhookHandler()
"""


def test_a_named_webhook_for_several_tenants() -> None:
    run_as_written(TENANTS, accounts={"a": 1})

    response = answer("resource.created", {"account_id": "a"}, webhook_name="multi_tenant")
    with pytest.raises(ValueError, match="Missing account_id"):
        answer("resource.created", {}, webhook_name="multi_tenant")

    assert response["account_id"] == 1
    assert get_webhook_registry().get_processor("myapi:default") is None


def test_the_registered_handlers_are_listed_as_the_first_guide_does() -> None:
    run_as_written(BATCH)

    processor = get_webhook_registry().get_processor("myapi:default")

    assert processor is not None
    assert list(processor.handlers.keys()) == ["resource.created", "resource.updated", "resource.deleted"]


GENERATED = """
from smart_api_integrations.webhooks import generate_webhook_handler

# Generate type-safe handler for GitHub
GitHubHandler = generate_webhook_handler('github', events=['push', 'pull_request'])

class MyGitHubHandler(GitHubHandler):
    def on_push(self, event):
        # Type-safe access with IDE completion
        repo_name = event.payload['repository']['name']
        commits = event.payload['commits']
        # Process push...
        return self.success_response({'processed': True})

    def on_pull_request(self, event):
        # Automatic action routing
        if event.payload['action'] == 'opened':
            # Handle PR opened
            pass
        return self.success_response()

# Generate handler for Stripe with different events
StripeHandler = generate_webhook_handler('stripe', events=['payment_intent.succeeded', 'customer.created'])

class MyStripeHandler(StripeHandler):
    def on_payment_intent_succeeded(self, event):
        # Process payment...
        return self.success_response()
"""
MOCK_EVENT = """
handler = MyGitHubHandler()

# Create mock event
event = WebhookEvent(
    provider='github',
    event_type='push',
    payload=payload,
    headers={'X-GitHub-Event': 'push'}
)

# Test handler
response = handler.on_push(event)
assert response.status_code == 200
assert response.json()['processed'] == True
"""


def test_generated_handlers_of_the_second_guide() -> None:
    payload = {"repository": {"name": "hello"}, "commits": []}
    guide = run_as_written(GENERATED + MOCK_EVENT, WebhookEvent=WebhookEvent, payload=payload)
    guide.MyStripeHandler()

    opened = WebhookEvent(
        provider="github", type="pull_request", action="opened", payload={"action": "opened"}
    )
    assert process_event(opened).success
    for kind in ("payment_intent.succeeded", "customer.created"):
        assert process_event(WebhookEvent(provider="stripe", type=kind)).success


LOGGING = """
from smart_api_integrations.webhooks import webhook_handler

@webhook_handler('myapi', 'test.event')
def debug_webhook(event):
    print(f"Signature: {event.headers.get('HTTP_X_WEBHOOK_SIGNATURE')}")
    return {'debug': True}
"""


def test_headers_are_read_by_their_wsgi_names(capsys: pytest.CaptureFixture[str]) -> None:
    run_as_written(LOGGING)

    answer("test.event", {}, headers={"X-Webhook-Signature": "abc"})

    assert "Signature: abc" in capsys.readouterr().out
    assert "guide" not in sys.modules
