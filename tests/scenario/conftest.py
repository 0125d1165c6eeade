"""What the tests of the scenario language share."""

from collections.abc import Callable
from pathlib import Path

import pytest

from peerlab.scenario.load import load_scenario
from peerlab.scenario.model import Act, Program, Scenario, Step
from peerlab.scenario.program import load_program

HERE = Path(__file__).parent
PROGRAMS = {name: HERE / "programs" / f"{name}.yaml" for name in ("server", "client")}

Load = Callable[[str], Scenario]
LoadProgram = Callable[[str], Program]
Play = Callable[[str], Act]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Loads a scenario from its text."""

    def load_text(text: str) -> Scenario:
        path = tmp_path / "scenario.yaml"
        path.write_text(text, encoding="utf-8")
        return load_scenario(path, programs=PROGRAMS)

    return load_text


@pytest.fixture
def load_file(tmp_path: Path) -> LoadProgram:
    """Loads a program from its text."""

    def load_text(text: str) -> Program:
        path = tmp_path / "program.yaml"
        path.write_text(text, encoding="utf-8")
        return load_program("mine", path)

    return load_text


@pytest.fixture
def act(load: Load) -> Play:
    """Reads what one step does, in a lab of a server and the clients u1 to u3."""

    def read(step: str) -> Act:
        nodes = '{server: server, "u[1-3]": client}'
        scenario = load(f"title: One step\nnodes: {nodes}\nsteps:\n  - {step}\n")
        (only,) = scenario.steps
        assert isinstance(only, Step)
        return only.act

    return read
