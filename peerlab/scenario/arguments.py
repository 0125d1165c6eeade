"""What the readers of checks' arguments share."""

from collections.abc import Mapping

from peerlab.scenario.kinds import Fields, Key

Programs = Mapping[str, str]
"""Node names to the names of their programs."""

Arguments = Mapping[str, object]
"""The arguments of one check, as the check itself takes them."""


def exactly_one(fields: Fields, *keys: Key[object]) -> None:
    """Report where none of these keys is given, or more than one."""
    given = [key for key in keys if fields.tree(key) is not None]
    names = [repr(key.name) for key in keys]
    if len(given) > 1:
        first, second = (repr(key.name) for key in given[:2])
        message = f"got both {first} and {second}, expected one of them"
        fields.reading.report("conflicting-keys", message, fields.span(given[1]))
    elif not given:
        got = f"{', '.join(names[:-1])} nor {names[-1]}"
        choice = f"one of {', '.join(names[:-1])} and {names[-1]}"
        message = f"got neither {got}, expected {choice}"
        fields.reading.report("missing-key", message, fields.entries.span)
