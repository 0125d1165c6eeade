"""Whether a scenario that was recorded replays, and what the next replay needs."""

from collections.abc import Sequence
from pathlib import Path

from peerlab.backend.base import Backend
from peerlab.checks.result import Result
from peerlab.checks.verdict import Outcome
from peerlab.cli.console import Console, Interruption
from peerlab.errors import ExitStatus
from peerlab.play import Stop, play
from peerlab.programs import known_programs
from peerlab.record.base import Base
from peerlab.record.recordings import Recording, write_atomically
from peerlab.report import text
from peerlab.scenario.load import load_scenario
from peerlab.scenario.model import Scenario
from peerlab.scenario.values import variable_of
from peerlab.session import Interrupted, play_all


def prove(
    recorded: Sequence[Recording],
    base: Base,
    backend: Backend,
    seed: int,
    overrides: Sequence[str],
    *,
    console: Console,
    interruption: Interruption,
) -> ExitStatus:
    """Play what is written; the first way to tell the session that passes counts, and stays."""
    out = base.scenario.path
    recording, *others = recorded
    try:
        result = _replay(recording, out, backend, seed, overrides)
        while others and result.verdict.outcome is not Outcome.PASSED:
            console.say("told with actions it does not pass; without them:")
            recording = others.pop(0)
            write_atomically(out, recording.text)
            result = _replay(recording, out, backend, seed, overrides)
    except (Interrupted, KeyboardInterrupt):
        interruption.take()
        console.say(f"{told(recording, out)}; it was not replayed")
        return ExitStatus.INTERRUPTED
    say_needs(recording, base, overrides, console)
    if result.verdict.outcome is Outcome.PASSED:
        console.say(
            f"{told(recording, out)}; it replays: passed ({result.seconds:.1f} s)\n"
            f"evidence: {text.shown_path(result.evidence)}"
        )
        return ExitStatus.PASSED
    verdict = "\n".join([text.run_line(result), *text.explanation(result)])
    console.say(f"{told(recording, out)}; its replay does not pass:\n{verdict}")
    return ExitStatus.FAILED


def told(recording: Recording, out: Path) -> str:
    """What was written."""
    return f"recorded {recording.steps} steps into {out}"


def _replay(
    recording: Recording, out: Path, backend: Backend, seed: int, overrides: Sequence[str]
) -> Result:
    def play_one(scenario: Scenario, stop: Stop) -> Result:
        return play(
            scenario,
            backend,
            Path("runs"),
            stop=stop,
            seed=seed,
            secret_values=recording.secrets,
        )

    scenario = load_scenario(out, programs=known_programs(overrides))
    results: list[Result] = []
    play_all([scenario], play_one, jobs=1, done=results.append)
    return results[0]


def say_needs(recording: Recording, base: Base, overrides: Sequence[str], console: Console) -> None:
    """What to look at, and what the next replay has to be given, which the file does not have."""
    for node in recording.unsure:
        console.say(
            f"warning: lines typed at {node} before a prompt for a secret came were taken for "
            "secrets: nobody can tell which of them answered it"
        )
    if recording.secrets:
        variables = ", ".join(variable_of(name) for name in recording.secrets)
        console.say(
            f"a replay needs the secrets that were typed: {variables} in the environment, or "
            "`peerlab run --secret NAME=FILE`"
        )
    options = [
        f"--program {override}"
        for override in overrides
        if override.partition("=")[0] not in base.draft.programs
    ]
    if options:
        console.say(f"a replay needs the same programs: peerlab run {' '.join(options)}")
