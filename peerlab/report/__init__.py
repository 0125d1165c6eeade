"""Tells people and programs what came of a run. Reports read results; they judge nothing."""
