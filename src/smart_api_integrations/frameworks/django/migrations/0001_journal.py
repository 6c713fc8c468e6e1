"""Make the journal's tables: one step for Django, whatever the journal's own migrations do. Floor 9."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations, models

from smart_api_integrations.frameworks.django.installed import prepare_store


def _prepare(_: Any, schema_editor: Any) -> None:
    prepare_store(schema_editor.connection.alias)


class Migration(migrations.Migration):
    """Later releases bring their tables up to date when the journal is opened."""

    initial = True
    atomic = False  # the journal is opened over a connection of its own, which must not wait for ours
    dependencies: ClassVar = []
    operations: ClassVar = [
        migrations.RunPython(_prepare, migrations.RunPython.noop),
        migrations.CreateModel(
            name="Event",
            fields=[
                ("id", models.TextField(primary_key=True, serialize=False)),
                ("tenant", models.TextField()),
                ("provider", models.TextField()),
                ("webhook_name", models.TextField()),
                ("event_type", models.TextField(null=True)),
                ("action", models.TextField(null=True)),
                ("event_id", models.TextField(null=True)),
                ("received_at", models.BigIntegerField()),
                ("duplicates", models.IntegerField()),
                ("size", models.IntegerField()),
                ("body", models.BinaryField()),
            ],
            options={"db_table": "events", "ordering": ["-id"], "managed": False},
        ),
        migrations.CreateModel(
            name="Work",
            fields=[
                ("id", models.TextField(primary_key=True, serialize=False)),
                ("tenant", models.TextField()),
                ("kind", models.TextField()),
                ("subject_id", models.TextField()),
                ("target", models.TextField()),
                ("state", models.TextField()),
                ("attempt_count", models.IntegerField()),
                ("failures", models.IntegerField()),
                ("due_at", models.BigIntegerField(null=True)),
                ("created_at", models.BigIntegerField()),
            ],
            options={"db_table": "work", "ordering": ["-id"], "managed": False},
        ),
    ]
