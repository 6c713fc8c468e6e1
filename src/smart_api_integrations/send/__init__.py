"""Sending: endpoints, messages, and one delivery at a time. Floor 4."""
