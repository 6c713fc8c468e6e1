"""Migrations: numbered, forward only. Floor 3.

To add one, write ``versions/NNNN_what.py`` after the newest and change ``storage.tables`` with it;
a test proves that both say the same. Expand first, contract a release later: the program before must
run on the schema after.
"""
