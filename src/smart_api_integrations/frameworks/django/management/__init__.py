"""Django's management commands. Floor 9."""
