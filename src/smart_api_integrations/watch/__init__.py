"""Watching the platform: checks, alerts, and the channels that tell of them. Floor 6."""
