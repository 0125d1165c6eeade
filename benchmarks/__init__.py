"""Measurements of the lab, printed as tables; ratios within one run, since machines differ."""
