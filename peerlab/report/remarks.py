"""What is said of a node among the lines of its terminal, which it has not printed itself."""

from peerlab.evidence.journal import Event, Kind


def remark_on(event: Event) -> str | None:
    """What happened to a node, in words; None: nothing that a transcript has to say."""
    match event.kind:
        case Kind.EXITED:
            return f"ended with status {event.detail.get('status')}"
        case Kind.PAUSED | Kind.RESUMED | Kind.UNPLUGGED | Kind.PLUGGED:
            return event.kind.value
        case Kind.STARTED if "again" in event.detail:
            return "started again"
        case _:
            return None
