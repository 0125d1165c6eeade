"""What a step costs: type a line, wait for the answer of a program that answers at once.

The same program, and the same dialogue, through peerlab, through pexpect, and through bare reads
and writes, which no tool can beat. A pexpect that nobody tuned waits 50 ms before it types.
"""

import json
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median

import pexpect
from pexpect.popen_spawn import PopenSpawn

from benchmarks.bare import bare_program, environment, local_command
from benchmarks.played import PROGRAMS, play, scratch
from benchmarks.tables import goal, in_turn, show, spread
from peerlab.evidence.journal import Kind
from peerlab.scenario.model import Program
from peerlab.scenario.program import load_program

STEPS = 500
UNTUNED_STEPS = 20
ROUNDS = 3
LIMIT = 0.002
PIPE, TERMINAL = (PROGRAMS / f"{name}.yaml" for name in ("answer", "answer-at-a-terminal"))


def main() -> None:
    """Print the table."""
    program = load_program("answer", PIPE)
    with scratch() as directory:
        rounds = in_turn(
            {
                "bare reads and writes, pipes": partial(_bare, program),
                "peerlab on netns, pipes": partial(_peerlab, PIPE, directory),
                "peerlab on netns, pseudo-terminal": partial(_peerlab, TERMINAL, directory),
                "pexpect popen_spawn, pipes, no delay": partial(_popen_spawn, program),
                "pexpect spawn, pseudo-terminal, no delay": partial(_spawn, program),
                f"pexpect spawn, as it comes ({UNTUNED_STEPS} steps)": partial(_untuned, program),
            },
            ROUNDS,
        )
    medians = {name: [median(times) for times in taken] for name, taken in rounds.items()}
    bare, own, *_ = medians.values()
    above = median(step - answer for step, answer in zip(own, bare, strict=True))
    show(
        f"steps: {STEPS} times type and expect, {ROUNDS} rounds in turn, medians in ms a step",
        ("", "min", "median", "max", "above bare"),
        [
            (name, *spread(each, 0.001, 3), f"{1000 * (median(each) - median(bare)):.3f}")
            for name, each in medians.items()
        ],
        [
            goal(
                f"at most 2 ms above the program's own answer: {1000 * above:.3f}",
                met=above <= LIMIT,
            )
        ],
    )


def _peerlab(program: Path, directory: Path) -> list[float]:
    scenario = directory / f"{program.stem}.yaml"
    lines = [
        f"title: {STEPS} questions",
        f"programs: {{answer: {json.dumps(str(program))}}}",
        "nodes: {n1: answer}",
        "steps:",
        *(
            f"  - n1: {{type: '{number}'}}\n  - n1: {{expect: 'answer {number}'}}"
            for number in range(STEPS)
        ),
        "  - n1: eof",
        "  - n1: {exits: 0}",
    ]
    scenario.write_text("\n".join(lines) + "\n", encoding="utf-8")
    journal = play(scenario, "netns", directory).evidence.journal
    return _between([event.at for event in journal if event.kind is Kind.TYPED])


def _bare(program: Program) -> list[float]:
    with bare_program(program, {}) as bare:
        return _dialogue(
            lambda line: bare.write(line + b"\n"),
            lambda line: bare.read_until(line + b"\n"),
            STEPS,
        )


def _popen_spawn(program: Program) -> list[float]:
    directory = program.without_image.working_dir
    child = PopenSpawn(local_command(program), cwd=directory, env=environment(program))
    child.delaybeforesend = None
    try:
        return _dialogue(lambda line: child.sendline(line.decode()), child.expect_exact, STEPS)
    finally:
        child.proc.kill()
        child.proc.wait()


def _spawn(program: Program) -> list[float]:
    return _spawned(program, STEPS, tuned=True)


def _untuned(program: Program) -> list[float]:
    return _spawned(program, UNTUNED_STEPS, tuned=False)


def _spawned(program: Program, steps: int, *, tuned: bool) -> list[float]:
    command, *arguments = local_command(program)
    directory = program.without_image.working_dir
    env = environment(program)
    with pexpect.spawn(command, arguments, cwd=directory, env=env, echo=False) as child:
        if tuned:
            child.delaybeforesend = None
        return _dialogue(child.sendline, child.expect_exact, steps)


def _dialogue(
    type_line: Callable[[bytes], object], expect: Callable[[bytes], object], steps: int
) -> list[float]:
    """Seconds from one line typed to the next."""
    expect(b"ready")
    moments = []
    for number in range(steps):
        moments.append(time.perf_counter())
        type_line(b"%d" % number)
        expect(b"answer %d" % number)
    return _between(moments)


def _between(moments: list[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(moments)]
