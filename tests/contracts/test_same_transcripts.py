"""Every shipped scenario passes on every backend, and its nodes say and see the same there."""

import re
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from peerlab.checks.result import Result
from peerlab.compare.retelling import Lane, Part, retell
from peerlab.compare.speech import speech_of
from peerlab.evidence.reading import Evidence
from peerlab.programs import SERVICES, known_programs
from peerlab.scenario.load import find_scenarios, load_scenario
from tests.contracts.conftest import BACKENDS
from tests.support.trying import play_until_judged

SCENARIOS = SERVICES.parent / "scenarios"
# What a stream of voice came to is told in figures that the machine decides, and who of those that
# come back to a new server is USER 1 by chance.
NOT_TOLD_THE_SAME = {"media", "punch-call", "punch-server-comes-back", "server-comes-back"}
FILES = find_scenarios([SCENARIOS])
# Who answers on a connection that the other end has closed finds its end, or that it was reset:
# whichever comes first.
ENDED = re.compile(r"it has closed the connection|connection reset by peer")
# A client that leaves may have its registration kept up by a datagram that comes after its goodbye.
LAST_WORD = re.compile(r"server: datagrams ignored: \d+ wrong key\n")
PARALLEL = 4
"""Runs at the same time: much of their time is waiting for an engine."""

Played = Mapping[Path, Mapping[str, Future[Result]]]

pytestmark = [pytest.mark.docker, pytest.mark.netns]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """What comes of every scenario on every backend, in its own time."""
    out = tmp_path_factory.mktemp("evidence")
    with ExitStack() as stack:
        backends = {name: stack.enter_context(closing(make())) for name, make in BACKENDS.items()}
        pool = stack.enter_context(ThreadPoolExecutor(PARALLEL))
        stack.callback(pool.shutdown, cancel_futures=True)
        yield {
            path: {
                name: pool.submit(play_until_judged, scenario, backend, out / name)
                for name, backend in backends.items()
            }
            for path in FILES
            for scenario in [load_scenario(path, programs=known_programs())]
        }


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SCENARIOS)))
def test_a_shipped_scenario_passes_everywhere_with_the_same_transcripts(
    played: Played, path: Path
) -> None:
    results = {name: run.result() for name, run in played[path].items()}
    for name, result in results.items():
        assert result.verdict.outcome == "passed", (name, result.evidence, result.verdict.findings)

    if not NOT_TOLD_THE_SAME.isdisjoint({path.parent.name, path.stem}):
        return
    journals = [Evidence(results[name].evidence).journal for name in ("docker", "netns")]
    speech = speech_of(results["docker"].scenario, journals)
    docker, netns = (_told(retell(journal, speech)) for journal in journals)
    assert netns.keys() == docker.keys()
    for node in docker:
        assert netns[node] == docker[node]


def _told(parts: Mapping[str, Part]) -> dict[str, dict[Lane, list[str]]]:
    """What is told of each node, without what is the machine's and not the backend's."""
    retold = {
        node: {
            lane: [
                ENDED.sub("<ended>", each.text) for each in told if not LAST_WORD.match(each.text)
            ]
            for lane, told in part.items()
        }
        for node, part in parts.items()
    }
    return {
        node: {lane: told for lane, told in part.items() if told} for node, part in retold.items()
    }
