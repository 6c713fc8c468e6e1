"""The promises of ``storage.protocols``, one test each, in rooms of their own. Floor 10."""
