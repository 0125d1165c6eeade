"""Defects that are put into the chat system on purpose: a scenario must catch each of them."""

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from peerlab.backend.base import Backend
from peerlab.backend.docker.engine import connect
from peerlab.backend.docker.images import Images
from peerlab.backend.docker.lab import DockerBackend
from peerlab.backend.netns.lab import NetnsBackend
from peerlab.checks.result import Result
from peerlab.play import play
from peerlab.programs import SERVICES, known_programs
from peerlab.scenario.load import load_scenario
from peerlab.scenario.program import load_program

HERE = Path(__file__).parent
SCENARIOS = SERVICES.parent / "scenarios"
PARALLEL = 8
"""Runs at the same time: much of their time is waiting for what will not come."""

NOT_COPIED = shutil.ignore_patterns("__pycache__", "test_*")


@dataclass(frozen=True)
class Variant:
    """A module of this directory, and what a scenario must find wrong with it.

    Attributes:
        program: the program that it takes the place of.
        scenario: the name of the shipped scenario that must catch it.
        check: the name of the check that finds it.
        told: what the finding's message or proof must say.
    """

    module: str
    program: str
    scenario: str
    check: str
    told: str

    def __str__(self) -> str:
        return f"{self.program}-{self.module}"


STEPS = "steps"
VARIANTS = [
    Variant("newest_first", "server", "list/labels-in-order", STEPS, "'USER 3': ("),
    Variant("labels_kept", "server", "list/before-and-after", STEPS, "'USER 2': ("),
    Variant("killed_clients_kept", "server", "list/killed", STEPS, "'USER 2': ("),
    Variant("list_lacks_one", "server", "list/labels-in-order", STEPS, "'USER 2': ("),
    Variant("list_lacks_one", "server", "list/who-is-there", "presence", "without alice, who had"),
    Variant("any_password", "server", "login/wrong-password", STEPS, "Authentication successful!"),
    Variant("first_try_refused", "server", "login/right-at-once", STEPS, "Incorrect username"),
    Variant("wrong_port", "client", "list/udp-ports", STEPS, "u2 never showed"),
    Variant("sent_twice", "client", "messages/one-to-one", "delivery", "1 messages duplicated"),
    Variant("sent_again_as_new", "client", "messages/one-to-one", "delivery", "2 messages sent"),
    Variant(
        "only_first_recipient", "client", "messages/one-to-two", STEPS, "u3 never showed 'Received"
    ),
    Variant("sent_to_all", "client", "messages/one-to-one", STEPS, "u3 was to stay silent"),
    Variant(
        "copied_to_others",
        "client",
        "network/in-clear",
        "traffic",
        "to carol, too, for whom it was",
    ),
    Variant(
        "wrong_sender", "client", "messages/one-to-two", STEPS, "Received message from USER 2: YES"
    ),
    Variant("day_first", "client", "messages/timestamp", STEPS, ": What time is it?"),
    Variant("raw_escapes", "client", "messages/escape-sequences", "log", r"u2 printed '\x1b'"),
    Variant("quit_is_no_number", "client", "quit/at-number", STEPS, "u1 did not end"),
    Variant("quit_with_status_3", "client", "quit/at-list", STEPS, "u1 ended with status 3"),
    Variant("anything_is_no", "client", "answers/list", STEPS, "Enter number of recipients: "),
    Variant("server_not_missed", "client", "presence/server-killed", STEPS, "never showed"),
    Variant("tells_password", "server", "demo", "log", "server printed 'CSC3@A1'"),
    Variant("greets", "client", "login/wrong-password", STEPS, "Welcome to the chat!"),
    Variant("beginning_is_enough", "server", "login/nearly-right", STEPS, "successful!"),
    Variant("blanks_do_not_count", "server", "login/nearly-right", STEPS, "successful!"),
    Variant("five_tries", "server", "login/nearly-right", STEPS, "Incorrect username"),
    Variant("time_stands_still", "client", "messages/timestamp", STEPS, "And now?"),
    Variant("cut_at_100", "client", "messages/odd-text", STEPS, "from USER 1: 0123456789"),
    Variant(
        "blanks_squeezed", "client", "messages/odd-text", STEPS, ":  two in front, three within"
    ),
    Variant("blanks_stripped", "client", "messages/odd-text", STEPS, ": two in front,   three"),
    Variant("quit_it_ends", "client", "messages/odd-text", STEPS, "quit it!"),
    Variant("five_messages", "client", "messages/in-order", STEPS, "u2 never showed"),
    Variant("never_to_oneself", "client", "messages/to-oneself", STEPS, "Note to myself"),
    Variant("one_too_many", "client", "answers/number", STEPS, "Enter recipient's username: "),
    Variant("not_to_all", "client", "answers/number", STEPS, "Please type a number"),
    Variant("no_second_quit", "client", "quit/at-recipient", STEPS, "u2 did not end"),
    Variant("ctrl_c_at_message", "client", "quit/ctrl-c", STEPS, "u6 ended with status 130"),
    Variant("deaf_after_stranger", "client", "messages/from-a-stranger", STEPS, "u1 never showed"),
    Variant("believes_strangers", "client", "messages/from-a-stranger", STEPS, "from USER 2: I am"),
]


ON_DOCKER = [
    variant
    for variant in VARIANTS
    if variant.module in {"any_password", "only_first_recipient", "raw_escapes"}
]
"""Tried in images, too, to see that verdicts there are worth as much: that takes far longer."""

Results = dict[Variant, Future[Result]]


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where variants and services stand side by side, also to build an image of."""
    directory = tmp_path_factory.mktemp("context")
    shutil.copytree(SERVICES, directory / "services", ignore=NOT_COPIED)
    shutil.copytree(HERE, directory / "broken", ignore=NOT_COPIED)
    (directory / "broken" / "Dockerfile").rename(directory / "Dockerfile")
    return directory


@pytest.fixture(scope="module")
def on_netns(context: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Results]:
    """What comes of every variant in namespaces."""
    with played(VARIANTS, NetnsBackend(), context, tmp_path_factory.mktemp("netns")) as results:
        yield results


@pytest.fixture(scope="module")
def on_docker(context: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Results]:
    """What comes of a few variants in images that begin with the shipped client's."""
    with connect() as client:
        Images(client, print).resolve(load_program("client", SERVICES / "client" / "program.yaml"))
    out = tmp_path_factory.mktemp("docker")
    with played(ON_DOCKER, DockerBackend(print), context, out) as results:
        yield results


@contextmanager
def played(
    variants: list[Variant], backend: Backend, context: Path, out: Path
) -> Iterator[Results]:
    """Play several at the same time; what comes of each, in its own time."""

    def run(variant: Variant) -> Result:
        override = f"{variant.program}={program_file(variant, context)}"
        scenario = load_scenario(
            SCENARIOS / f"{variant.scenario}.yaml", programs=known_programs([override])
        )
        return play(scenario, backend, out)

    with closing(backend), ThreadPoolExecutor(PARALLEL) as pool:
        yield {variant: pool.submit(run, variant) for variant in variants}
        pool.shutdown(cancel_futures=True)


def program_file(variant: Variant, context: Path) -> Path:
    """Write the shipped program's file anew, with the variant's image and commands in it."""
    shipped = SERVICES / variant.program / "program.yaml"
    program = yaml.safe_load(shipped.read_text(encoding="utf-8"))
    command = ["python3", "-m", f"broken.{variant.module}"]
    program |= {"image": "peerlab/broken", "build": {"context": "."}, "command": command}
    program["without-image"] = {"command": command}
    path = context / f"{variant.module}.program.yaml"
    path.write_text(json.dumps(program), encoding="utf-8")
    return path


@pytest.mark.netns
@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_a_scenario_catches_a_broken_program_and_says_what_is_wrong(
    on_netns: Results, variant: Variant
) -> None:
    assert_caught(on_netns[variant].result(), variant)


@pytest.mark.docker
@pytest.mark.parametrize("variant", ON_DOCKER, ids=str)
def test_a_scenario_catches_it_in_a_container_just_as_well(
    on_docker: Results, variant: Variant
) -> None:
    assert_caught(on_docker[variant].result(), variant)


def assert_caught(result: Result, variant: Variant) -> None:
    verdict = result.verdict
    assert verdict.outcome == "failed"
    told = [
        f"{finding.message}\n{finding.proof}"
        for finding in verdict.findings
        if finding.outcome == "failed" and finding.check == variant.check
    ]
    assert any(variant.told in text for text in told), verdict.findings


def test_every_variant_is_in_the_table() -> None:
    modules = {path.stem for path in HERE.glob("*.py")} - {Path(__file__).stem}
    assert modules == {variant.module for variant in VARIANTS}
