"""One file per page: it asks the journal, has a view made of the answer, and renders it. Floor 8."""
