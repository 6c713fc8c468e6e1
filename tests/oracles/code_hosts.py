"""GitHub."""

from __future__ import annotations

import gidgethub
import gidgethub.sansio

from smart_api_integrations.core.webhook_schema import RawRequest
from tests.oracles.oracle import Oracle, digest, header, posted, refuses

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
)
