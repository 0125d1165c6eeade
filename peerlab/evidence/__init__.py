"""What a run leaves behind: a folder on disk, the border between playing and judging.

`journal` is the ordered record of events, `folder` writes the folder of a run, `reading` reads
one, later and elsewhere, without an engine. `spans` finds when something lasted,
`unplayed` who could not be played at all.
"""
