"""People type into a lab; what they did becomes a scenario.

- stream.py: a journal as what each terminal showed and was told, in order
- wording.py: text that was seen, as a pattern that fits on the next run too
- fit.py, lift.py: which action of a program a stretch of a dialogue was
- telling.py: single steps
- compose.py: the steps, in the order in which things were typed
- ahead.py: secrets that were typed before their prompt came
- confided.py: secrets that were typed, and what they are called
- writing.py: the scenario as YAML
- session.py, view.py, orders.py: the live lab, what its terminals show, what its console is told
- seats.py, place.py, exchange.py: the socket that others join at
- base.py, recordings.py: what a recording begins with, and what it leaves
"""
