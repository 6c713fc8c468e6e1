"""The journal's tables that an application may want to read, as models that Django does not manage. Floor 9.

Read them, in the shell or the admin; what changes them is ours. Times are microseconds since 1970.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Event(models.Model):
    """One received request that verified."""

    id: models.TextField[str, str] = models.TextField(primary_key=True)
    tenant: models.TextField[str, str] = models.TextField()
    provider: models.TextField[str, str] = models.TextField()
    webhook_name: models.TextField[str, str] = models.TextField()
    event_type: models.TextField[str | None, str | None] = models.TextField(null=True)
    action: models.TextField[str | None, str | None] = models.TextField(null=True)
    event_id: models.TextField[str | None, str | None] = models.TextField(null=True)
    received_at: models.BigIntegerField[int, int] = models.BigIntegerField()
    duplicates: models.IntegerField[int, int] = models.IntegerField()
    size: models.IntegerField[int, int] = models.IntegerField()
    body: models.BinaryField[bytes, bytes] = models.BinaryField()

    class Meta:
        """The table is made by ``migrate``, in our own way."""

        managed = False
        db_table = "events"
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        """Name the event without its body."""
        return f"{self.provider}/{self.webhook_name} {self.event_type} {self.id}"


class Work(models.Model):
    """A handling of an event, or a delivery of a message."""

    id: models.TextField[str, str] = models.TextField(primary_key=True)
    tenant: models.TextField[str, str] = models.TextField()
    kind: models.TextField[str, str] = models.TextField()
    subject_id: models.TextField[str, str] = models.TextField()
    target: models.TextField[str, str] = models.TextField()
    state: models.TextField[str, str] = models.TextField()
    attempt_count: models.IntegerField[int, int] = models.IntegerField()
    failures: models.IntegerField[int, int] = models.IntegerField()
    due_at: models.BigIntegerField[int | None, int | None] = models.BigIntegerField(null=True)
    created_at: models.BigIntegerField[int, int] = models.BigIntegerField()

    class Meta:
        """The table is made by ``migrate``, in our own way."""

        managed = False
        db_table = "work"
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        """Say what is done, and where it stands."""
        return f"{self.kind} {self.target}: {self.state}"
