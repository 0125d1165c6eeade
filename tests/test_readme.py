"""What the README says is true: its scenario loads, its commands exist, its links lead to files."""

import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from peerlab.cli import main
from peerlab.errors import ExitStatus
from peerlab.programs import known_programs
from peerlab.scenario.load import load_scenario

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMANDS = sorted(set(re.findall(r"(?:^    |`)(peerlab [^`\n#]+)", README, re.MULTILINE)))


def test_the_scenario_of_the_readme_is_valid(tmp_path: Path) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    path = tmp_path / "mine.yaml"
    path.write_text(block)
    scenario = load_scenario(path, programs=known_programs())
    assert list(scenario.nodes) == ["server", "alice", "bob", "carol"]


def test_there_are_as_many_scenarios_as_the_readme_says() -> None:
    of_all = [path.relative_to(ROOT / "scenarios") for path in ROOT.glob("scenarios/*/**/*.yaml")]
    scenarios = [path for path in of_all if path.parts[0] != "programs"]
    assert "`scenarios/` more than a hundred" in README
    assert len(scenarios) > 100
    assert "`scenarios/network/` has more than forty" in README
    assert len([path for path in scenarios if path.parts[0] == "network"]) > 40


@pytest.mark.parametrize("line", COMMANDS)
def test_every_peerlab_command_of_the_readme_parses(line: str) -> None:
    _, name, *arguments = shlex.split(line)
    command = main.commands[name]
    command.make_context(name, arguments)
    assert isinstance(command, click.Command)


def test_the_readme_lists_every_exit_status() -> None:
    listed = [int(status) for status in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)]
    assert listed == [status.value for status in ExitStatus]


def test_every_make_target_of_the_readme_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"make ([a-z]+)", README)) - {"is", "it"}
    assert named <= set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_of_the_documents_leads_to_a_file(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text(encoding="utf-8"))
    missing = [link for link in links if not (document.parent / link).exists()]
    assert missing == []


def test_every_dependency_is_explained() -> None:
    explained = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    names = [re.split("[><=]", requirement)[0] for requirement in wanted]
    assert [name for name in names if name not in explained] == []
