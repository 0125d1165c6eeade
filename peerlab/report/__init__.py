"""Tells people and programs what came of a run. Reports read results; they judge nothing.

- text.py, live.py: on a terminal; repeats.py, divergence.py: what varied of many runs, and where
- formats.py: for machines, as github.py, junit.py, results.py (JSON), markdown.py, gradescope.py
  and grades.py (CSV) write it; account.py: what they all tell of a check; worst.py: which of
  several runs counts
- html.py, page.py: the page of a run; terminals.py, plots.py, curves.py (streams.py,
  axes.py) and diagram.py, with canvas.py, arrows.py, svg.py and timeline.py, are its parts
- traffic.py: what passed, from datagrams.py (the wire) or reported.py (the programs), as
  passages.py has it; conditions.py: what was in force meanwhile
- escape.py: makes foreign text harmless; remarks.py: what happened to a node, in words
"""
