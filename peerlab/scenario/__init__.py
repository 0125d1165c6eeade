"""Scenario files: `load.py` reads them, `model.py` is what comes out.

- source.py: positions, diagnostics and how they are shown
- tree.py: YAML text -> a tree with positions
- reading.py: what one load knows: files, problems, variables in use
- kinds.py: kinds of values, keys and forms, which the language's tables are made of
- acts.py, steps.py, checks.py, program.py, load.py: the tables, and readers that follow them
- network.py, wire.py, effects.py, presets.py, amounts.py: those of the network
- schema.py: the same tables as JSON Schema
- values.py: templates, patterns, amounts, node ranges
- model.py: the scenario as plain data
"""
