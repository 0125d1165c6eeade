"""Checks look at the evidence of a run and say what they find: no waiting, no starting.

- judge.py: puts their findings together into a verdict; verdict.py: what these are made of;
  result.py: what came of one run
- always on: steps.py, ends.py, no_traceback.py, wire.py
- on messages: delivery.py, order.py, latency.py; on the network: traffic.py, capture.py; on what
  terminals showed: log.py, transcript.py, presence.py; on how programs ended: exits.py

What several of them rest on:

- accounting.py: what became of every message; telling.py: which message is which; trips.py: what
  the wire did to it; departures.py: which never left; lives.py: when the programs of its recipient
  ran; story.py: all of that in a sentence
- reasons.py, nearest.py: why a step did not come true
- post.py, marks.py: which messages datagrams and streams carry, and whom they are for
- sessions.py: when nodes were in
- captured.py: what a capture has, and what may be shown of it
- searching.py: patterns in hostile output
- messages.py: which messages a check speaks of; brief.py: texts and times in findings
"""
