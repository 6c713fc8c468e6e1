"""What a page shows, made of the journal's records by pure functions. Floor 8."""
