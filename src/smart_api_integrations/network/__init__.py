"""Reaching out: which addresses may be called, and the one client that calls them. Floor 3."""
