"""The catalogue: one provider is one folder is one ``webhook.yaml``. Floor 3.

The folders beside this file are packaged; a user's own folder (``WEBHOOKS_PROVIDERS_DIR``) lies over
them. Import from ``providers.catalogue`` and ``providers.samples``: reading YAML costs pydantic and
PyYAML, which a program that only registers handlers need not load.
"""
