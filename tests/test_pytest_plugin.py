"""The plugin in an inner pytest, on real containers."""

import re
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.docker

PASSES = """\
title: One logs in
nodes: {server: server, u1: client}
steps:
  - u1: login
  - u1: quit
checks: [exits: {u1: 0}]
"""

FAILS = """\
title: One waits in vain
nodes: {server: server, u1: client}
steps:
  - u1: login
  - u1: {expect: this never comes, within: 300ms}
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project of somebody else, with scenarios in it."""
    scenarios = pytester.mkdir("scenarios")
    (scenarios / "passes.yaml").write_text(PASSES)
    pytester.makepyprojecttoml("[tool.pytest.ini_options]")
    return pytester


def run(project: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return project.runpytest_subprocess(*arguments, timeout=120)


def test_every_scenario_file_is_a_test(project: pytest.Pytester) -> None:
    result = run(project, "-v", "scenarios")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["scenarios/passes.yaml::passes PASSED*"])


def test_other_yaml_files_are_left_alone(project: pytest.Pytester) -> None:
    (project.path / "config.yaml").write_text("a: 1\n")
    (project.mkdir("other") / "data.yaml").write_text("b: 2\n")
    result = run(project, "--collect-only", "-q", ".")
    assert "passes" in result.stdout.str()
    assert "data" not in result.stdout.str()
    assert "config" not in result.stdout.str()


def test_a_scenario_named_on_the_command_line_is_collected_wherever_it_is(
    project: pytest.Pytester,
) -> None:
    (project.path / "mine.yaml").write_text(PASSES)
    run(project, "mine.yaml").assert_outcomes(passed=1)


def test_a_failure_shows_the_finding_the_last_lines_and_the_evidence_but_no_stack(
    project: pytest.Pytester,
) -> None:
    (project.path / "scenarios/fails.yaml").write_text(FAILS)
    result = run(project, "scenarios/fails.yaml")
    result.assert_outcomes(failed=1)
    output = result.stdout.str()
    told = r"fails\.yaml:5:5: failed: u1 never showed 'this never comes' within [\d.]+ s; "
    assert re.search(told, output)
    assert "; u1 is still running [steps]" in output
    assert "| LIST AVAILABLE CLIENTS: Y/N" in output
    evidence = re.search(r"evidence: (runs/fails/\S+)", output)
    assert evidence is not None
    assert (project.path / evidence[1] / "journal.jsonl").exists()
    assert "peerlab/play.py" not in output


def test_a_scenario_with_mistakes_fails_with_their_places(project: pytest.Pytester) -> None:
    (project.path / "scenarios/wrong.yaml").write_text(PASSES.replace("login", "lgoin"))
    result = run(project, "scenarios/wrong.yaml")
    result.assert_outcomes(failed=1)
    output = result.stdout.str()
    assert "wrong.yaml:4:9: error:" in output
    assert "did you mean 'login'?" in output
    assert "Traceback" not in output


def test_replay_gives_transcripts_messages_and_the_journal(project: pytest.Pytester) -> None:
    talk = Path(__file__).parent.parent / "scenarios/demo.yaml"
    (project.path / "scenarios/talk.yaml").write_text(talk.read_text(encoding="utf-8"))
    project.makepyfile(
        """
        def test_what_was_said(replay):
            evidence = replay("scenarios/talk.yaml")
            bob = evidence.node("bob")
            assert "Enter your username: bob\\n" in bob.transcript
            texts = [m.text for m in bob.messages if m.direction == "received"]
            assert texts == ["Hello you two!", "Hello Bob, only you can read this."]
            assert len({m.id for m in bob.messages}) == 3
            assert [e.kind for e in evidence.journal][0] == "run"
            assert evidence.outcome == "passed"
        """
    )
    run(project, "-p", "no:cacheprovider").assert_outcomes(passed=2 + 1)


def test_replay_fails_the_test_when_the_scenario_does(project: pytest.Pytester) -> None:
    (project.path / "scenarios/fails.yaml").write_text(FAILS)
    project.makepyfile(
        """
        def test_in_vain(replay):
            replay("scenarios/fails.yaml")
        """
    )
    result = run(project, "test_replay_fails_the_test_when_the_scenario_does.py")
    result.assert_outcomes(failed=1)
    assert "u1 never showed 'this never comes'" in result.stdout.str()


def test_another_implementation_can_take_a_programs_place(project: pytest.Pytester) -> None:
    result = run(project, "--peerlab-program", "client=nowhere.yaml", "scenarios")
    result.assert_outcomes(failed=1)
    assert "no program file 'nowhere.yaml' for the program 'client'" in result.stdout.str()
