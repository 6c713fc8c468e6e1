"""The tests. A package, because a library among the oracles ships one of the same name."""
