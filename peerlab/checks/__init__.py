"""Checks look at the evidence of a run and say what they find. They start nothing, they wait for
nothing.

One file a check; `judge` puts their findings together into a verdict.
"""
