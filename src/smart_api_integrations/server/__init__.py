"""The server: one ASGI application over the ways in, the API and the dashboard. Floor 9."""
