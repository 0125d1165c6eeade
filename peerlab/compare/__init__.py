"""Compares runs of the same scenario: what came of them, and where they first went apart.

`speech` is how the scenario's programs speak, `names` gives a name to what is another in every run,
`retelling` tells each node's part in a run with these names, `divergence` finds where two runs
differ first, `repeats` counts what came of many runs.
"""
