"""Checks look at the evidence of a run and say what they find: no waiting, no starting.

One file a check; `judge` puts their findings together into a verdict.
"""
