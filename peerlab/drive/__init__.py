"""Plays a scenario: types, waits for what is printed, records it all, judges nothing.

`transcript` is the pure part (what a terminal showed, and matching in it), `terminal` adds
waiting with a deadline, `director` plays the steps.
"""
