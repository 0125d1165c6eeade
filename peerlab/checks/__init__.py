"""Checks look at the evidence of a run and say what they find. They wait for nothing, start nothing.

One file a check; `judge` puts their findings together into a verdict.
"""
