"""Readers of the journal and of telemetry: what is shown and told of a running platform. Floor 6."""
