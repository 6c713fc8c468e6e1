"""Code hosts and what stands around them."""

from __future__ import annotations

import gidgethub
import gidgethub.sansio
import gidgetlab.exceptions
import gidgetlab.sansio
import standardwebhooks

from smart_api_integrations.core.webhook_schema import RawRequest
from tests.oracles.oracle import (
    NOW,
    SECONDS,
    FixedDatetime,
    Oracle,
    digest,
    documented,
    header,
    in_base64,
    posted,
    refuses,
)

GITHUB = "sample-secret-of-github"
GITLAB = "sample-token-of-gitlab"
GITLAB_SIGNING = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def github_signs(body: bytes) -> RawRequest:
    # gidgethub verifies only; GitHub's page gives this line: https://docs.github.com/en/webhooks
    return posted(body, {"X-Hub-Signature-256": f"sha256={digest(GITHUB, body).hex()}"})


@refuses(gidgethub.ValidationFailure, TypeError)
def github_accepts(request: RawRequest) -> None:
    gidgethub.sansio.validate_event(
        request.body, signature=header(request, "X-Hub-Signature-256"), secret=GITHUB
    )


def gitlab_with_token(body: bytes) -> RawRequest:
    return posted(body, {"X-Gitlab-Token": GITLAB})


@refuses(gidgetlab.exceptions.ValidationFailure)
def gitlab_takes_token(request: RawRequest) -> None:
    asked = {"x-gitlab-event": "x", "content-type": "application/octet-stream"}
    if "X-Gitlab-Token" in request.headers:
        asked["x-gitlab-token"] = header(request, "X-Gitlab-Token")
    gidgetlab.sansio.Event.from_http(asked, request.body, secret=GITLAB)


def gitlab_signs(body: bytes) -> RawRequest:
    made = standardwebhooks.Webhook(GITLAB_SIGNING).sign("1", NOW, body.decode())
    return posted(body, {"webhook-id": "1", "webhook-timestamp": str(SECONDS), "webhook-signature": made})


@refuses(standardwebhooks.WebhookVerificationError, ValueError)
def gitlab_accepts(request: RawRequest) -> None:
    standardwebhooks.Webhook(GITLAB_SIGNING).verify(request.body, dict(request.headers), json_parse=False)


ORACLES = (
    Oracle(
        provider="gitlab",
        case="secret token",
        library="gidgetlab",
        environ={"GITLAB_WEBHOOK_TOKEN": GITLAB},
        other_environ={"GITLAB_WEBHOOK_TOKEN": "another-token-of-gitlab"},
        signs=gitlab_with_token,
        accepts=gitlab_takes_token,
        covers_body=False,
    ),
    Oracle(
        provider="gitlab",
        case="signing token",
        library="standardwebhooks",
        environ={"GITLAB_SIGNING_TOKEN": GITLAB_SIGNING},
        other_environ={"GITLAB_SIGNING_TOKEN": "whsec_b3RoZXItc2VjcmV0LW9mLXNhbXBsZQ=="},
        signs=gitlab_signs,
        accepts=gitlab_accepts,
        clocks={"standardwebhooks.webhooks:datetime": FixedDatetime},
        ours=False,  # with both tokens set ours is signed with the secret one
    ),
    Oracle(
        provider="github",
        library="gidgethub",
        environ={"GITHUB_WEBHOOK_SECRET": GITHUB},
        other_environ={"GITHUB_WEBHOOK_SECRET": "another-secret-of-github"},
        signs=github_signs,
        accepts=github_accepts,
    ),
    documented(
        "bitbucket",
        "BITBUCKET_WEBHOOK_SECRET",
        lambda secret, body: {"X-Hub-Signature": f"sha256={digest(secret, body).hex()}"},
    ),
    documented(
        "jira",
        "JIRA_WEBHOOK_SECRET",
        lambda secret, body: {"X-Hub-Signature": f"sha256={digest(secret, body).hex()}"},
    ),
    documented(
        "gitea",
        "GITEA_WEBHOOK_SECRET",
        lambda secret, body: {"X-Gitea-Signature": digest(secret, body).hex()},
    ),
    documented(
        "forgejo",
        "FORGEJO_WEBHOOK_SECRET",
        lambda secret, body: {"X-Forgejo-Signature": digest(secret, body).hex()},
    ),
    documented(
        "sentry",
        "SENTRY_CLIENT_SECRET",
        lambda secret, body: {"Sentry-Hook-Signature": digest(secret, body).hex()},
    ),
    documented(
        "pagerduty",
        "PAGERDUTY_WEBHOOK_SECRET",
        lambda secret, body: {"X-PagerDuty-Signature": f"v1={digest(secret, body).hex()}"},
    ),
    documented(
        "azure_devops",
        "AZURE_DEVOPS_WEBHOOK_SECRET",
        lambda secret, body: {"Authorization": f"Basic {in_base64(secret.encode())}"},
        covers_body=False,
    ),
)
