"""Defects that are put into the chat system on purpose: a scenario must catch each of them."""

import json
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import yaml

from peerlab.backend.base import Backend
from peerlab.backend.docker.engine import connect
from peerlab.backend.docker.images import Images
from peerlab.backend.docker.lab import DockerBackend
from peerlab.backend.netns.lab import NetnsBackend
from peerlab.checks.result import Result
from peerlab.programs import SERVICES, known_programs
from peerlab.scenario.load import load_scenario
from peerlab.scenario.program import load_program
from tests.broken.variants import VARIANTS, Variant
from tests.support.trying import play_until_judged

HERE = Path(__file__).parent
SCENARIOS = SERVICES.parent / "scenarios"
PARALLEL = 12
"""Runs at the same time: much of their time is waiting for what will not come."""

NOT_COPIED = shutil.ignore_patterns("__pycache__", "test_*", "variants.py")

RIGHT = sorted({variant.scenario for variant in VARIANTS})
"""The scenarios that are played with the right programs as well."""

ON_DOCKER = [
    variant
    for variant in VARIANTS
    if variant.module in {"any_password", "only_first_recipient", "raw_escapes"}
]
"""Tried in images, too, to see that verdicts there are worth as much: that takes far longer."""

Results = dict[Variant | str, Future[Result]]
"""What comes of each variant, and of scenarios with the right programs, by their names."""


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
    """What comes in namespaces of every variant, and of the right programs."""
    everything: list[Variant | str] = [*VARIANTS, *RIGHT]
    with played(everything, NetnsBackend(), context, tmp_path_factory.mktemp("netns")) as results:
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
    plays: Sequence[Variant | str], backend: Backend, context: Path, out: Path
) -> Iterator[Results]:
    """Play several at the same time; what comes of each, in its own time."""

    def run(name: str, overrides: Sequence[str]) -> Result:
        programs = known_programs(overrides)
        scenario = load_scenario(SCENARIOS / f"{name}.yaml", programs=programs)
        return play_until_judged(scenario, backend, out)

    def begin(what: Variant | str) -> Future[Result]:
        if isinstance(what, str):
            return pool.submit(run, what, [])
        overrides = [
            f"{program}={program_file(what, program, context)}" for program in what.programs
        ]
        return pool.submit(run, what.scenario, overrides)

    with closing(backend), ThreadPoolExecutor(PARALLEL) as pool:
        yield {what: begin(what) for what in plays}
        pool.shutdown(cancel_futures=True)


def program_file(variant: Variant, name: str, context: Path) -> Path:
    """Write a shipped program's file anew, with the variant's image and commands in it.

    A variant that takes the place of both programs is told by BROKEN which one it is.
    """
    shipped = SERVICES / name / "program.yaml"
    program = yaml.safe_load(shipped.read_text(encoding="utf-8"))
    command = ["python3", "-S", "-m", f"broken.{variant.module}"]
    program |= {"image": "peerlab/broken", "build": {"context": "."}, "command": command}
    program["without-image"] = {"command": command}
    program["environment"] |= {"BROKEN": name}
    path = context / f"{variant.module}-{name}.program.yaml"
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
    findings = [
        "\n".join((finding.message, finding.proof, *finding.why))
        for finding in verdict.findings
        if finding.outcome == "failed" and finding.check == variant.check
    ]
    assert any(variant.is_told_in(text) for text in findings), verdict.findings


@pytest.mark.netns
@pytest.mark.parametrize("name", RIGHT)
def test_nothing_is_found_on_the_right_programs(on_netns: Results, name: str) -> None:
    verdict = on_netns[name].result().verdict
    assert verdict.outcome == "passed", verdict.findings


def test_every_variant_is_in_the_table() -> None:
    modules = {path.stem for path in HERE.glob("*.py")} - {Path(__file__).stem, "variants"}
    assert modules == {variant.module for variant in VARIANTS}
