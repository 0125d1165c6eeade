"""docs/scenario.md tells the truth."""

import re
from pathlib import Path

import pytest

from peerlab.drive.transcript import MAX_NOTICES, MAX_UNREAD
from peerlab.drive.watch import MAX_OUTPUT, MAX_PIECES
from peerlab.scenario.acts import ACT_NAMES
from peerlab.scenario.checks import CHECKS
from peerlab.scenario.effects import BURSTS
from peerlab.scenario.load import SCENARIO
from peerlab.scenario.network import NAT, NATS, NETWORK, ROUTER
from peerlab.scenario.presets import PRESETS
from peerlab.scenario.program import BUILD, LOCAL, PROGRAM
from peerlab.scenario.source import CODES
from peerlab.scenario.values import MAX_LINE
from peerlab.scenario.wire import ONE_WAY, WIRE
from tests.scenario.conftest import Load, LoadProgram

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "scenario.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
SCENARIOS = [block for block in BLOCKS if block.startswith("title:")]
PROGRAMS = [block for block in BLOCKS if block.startswith("about:")]
STEPS = [block for block in BLOCKS if block.startswith("- ")]


def test_there_are_examples_of_everything() -> None:
    assert SCENARIOS
    assert PROGRAMS
    assert len(SCENARIOS) + len(PROGRAMS) + len(STEPS) == len(BLOCKS)


@pytest.mark.parametrize("block", SCENARIOS)
def test_every_scenario_in_the_document_loads(load: Load, block: str) -> None:
    assert load(block).steps


@pytest.mark.parametrize("block", PROGRAMS)
def test_every_program_file_in_the_document_loads(load_file: LoadProgram, block: str) -> None:
    assert load_file(block).actions


def test_the_program_in_another_language_is_the_one_that_is_shipped() -> None:
    folder = Path(__file__).parents[2] / "scenarios" / "other-languages"
    assert (folder / "program.yaml").read_text(encoding="utf-8") in PROGRAMS


@pytest.mark.parametrize("block", STEPS)
def test_every_list_of_steps_or_checks_in_the_document_loads(load: Load, block: str) -> None:
    head = 'title: x\nnodes: {server: server, "u[1-4]": client}\nsteps:\n'
    is_checks = any(block.startswith(f"- {name}") for name in CHECKS)
    scenario = load(head + ("- u1: eof\nchecks:\n" if is_checks else "") + block)
    assert scenario.checks if is_checks else scenario.steps


def test_the_document_tells_what_is_kept_of_output() -> None:
    kept = TEXT.partition("### Output that is not kept\n")[2].partition("\n#")[0]
    numbers = {int(number) for number in re.findall(r"\b\d{4,}\b", kept)}
    assert numbers == {MAX_OUTPUT, MAX_PIECES, MAX_UNREAD, MAX_NOTICES}
    assert f"first {MAX_LINE // 1024} KiB of a line" in TEXT


def test_the_diagnostics_in_the_document_are_those_of_the_table() -> None:
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| (.*) \|$", TEXT, re.MULTILINE)
    told = {code: about for code, about in rows if code in CODES}
    assert told == CODES


def test_every_key_act_and_check_has_its_word_in_the_document() -> None:
    forms = (SCENARIO, PROGRAM, BUILD, LOCAL, WIRE, NETWORK, ROUTER, NAT)
    keys = [key.name for form in forms for key in form.keys]
    names = (*keys, *(key.name for key in BURSTS.keys), *ACT_NAMES, *CHECKS, *NATS, *PRESETS)
    assert [name for name in names if f"`{name}`" not in TEXT] == []
    assert [key.name for key in ONE_WAY.keys if f"{key.name}: " not in TEXT] == []


def test_the_nats_in_the_document_are_those_of_the_table() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| ([a-z-]+) \| ([a-z-]+) \|$", TEXT, re.MULTILINE)
    assert {name: (mapping, filtering) for name, mapping, filtering in rows} == NATS


def test_the_presets_in_the_document_have_the_figures_of_the_table() -> None:
    text = (DOCS / "network.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| `([a-z0-9-]+)` \| ([^|]*) \|", text, re.MULTILINE))
    assert told == {
        name: ", ".join(f"{key} {value}" for key, value in figures.items())
        for name, figures in PRESETS.items()
    }
