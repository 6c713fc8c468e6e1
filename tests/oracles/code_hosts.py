"""Code hosts and what stands around them."""

from __future__ import annotations

import gidgethub
import gidgethub.sansio

from smart_api_integrations.core.webhook_schema import RawRequest
from tests.oracles.oracle import Oracle, digest, documented, header, posted, refuses

GITHUB = "sample-secret-of-github"


def github_signs(body: bytes) -> RawRequest:
    # gidgethub verifies only; GitHub's page gives this line: https://docs.github.com/en/webhooks
    return posted(body, {"X-Hub-Signature-256": f"sha256={digest(GITHUB, body).hex()}"})


@refuses(gidgethub.ValidationFailure, TypeError)
def github_accepts(request: RawRequest) -> None:
    gidgethub.sansio.validate_event(
        request.body, signature=header(request, "X-Hub-Signature-256"), secret=GITHUB
    )


ORACLES = (
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
)
