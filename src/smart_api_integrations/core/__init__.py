"""The rules, floor 1: no input or output, no clock and no randomness of its own. Pure and fast."""
