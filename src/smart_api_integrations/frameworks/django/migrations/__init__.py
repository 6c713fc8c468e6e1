"""Django's migrations: one, which hands over to the journal's own. Floor 9."""
