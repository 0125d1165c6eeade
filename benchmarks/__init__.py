"""Measurements of the lab and the chat, printed as tables.

Ratios within one run, since machines differ.
"""
