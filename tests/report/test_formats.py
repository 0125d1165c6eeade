"""Which formats there are, and where what is written goes."""

import os
import re
import shlex
import stat
from pathlib import Path

import pytest

from peerlab.cli import main
from peerlab.errors import LabError, UsageError
from peerlab.report.formats import FORMATS, Target, Targets
from tests.support.nasty import NASTY
from tests.support.results import PASSED, Results, check, hostile

ROOT = Path(__file__).parents[2]


def targets(*texts: str) -> tuple[Targets, list[bytes]]:
    said: list[bytes] = []
    return Targets(texts, said.append), said


def test_the_document_has_a_section_for_each_format() -> None:
    text = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    assert re.findall(r"^## `(.*)`$", text, re.MULTILINE) == list(FORMATS)
    assert sorted(set(re.findall(r"--write ([a-z]+)=", text))) == sorted(FORMATS)


def test_every_command_of_the_document_parses() -> None:
    text = (ROOT / "docs" / "results.md").read_text(encoding="utf-8").replace("\\\n", "")
    lines = re.findall(r"peerlab ((?:run|check) [^`'|\n]+)", text)
    assert len(lines) == 11
    for line in lines:
        name, *arguments = shlex.split(line)
        context = main.commands[name].make_context(name, arguments)
        for target in context.params["targets"]:
            Target.parse(target)


def test_a_target_is_a_format_and_a_file() -> None:
    assert Target.parse("json=a=b.json") == Target("json", Path("a=b.json"))
    assert Target.parse("csv=-") == Target("csv", None)


@pytest.mark.parametrize("text", ["json", "json=", "=x", "xml=x", "JSON=x", ""])
def test_what_is_no_target_is_refused_with_the_formats(text: str) -> None:
    with pytest.raises(UsageError, match="expected FORMAT=FILE") as caught:
        Target.parse(text)
    assert caught.value.hint == (
        "formats are: junit, github, json, markdown, gradescope, csv; the file - is standard output"
    )


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_goes_into_a_file_or_to_standard_output(results: Results, name: str) -> None:
    written, said = targets(f"{name}=a/b/file")
    runs = [results.of([PASSED])]
    written.write(runs, None)
    text = FORMATS[name](runs, None).encode()
    assert Path("a/b/file").read_bytes() == text
    assert said == []
    written, said = targets(f"{name}=-")
    written.write(runs, None)
    assert said == [text]
    assert written.quiet == (name != "github")


@pytest.mark.usefixtures("results")
@pytest.mark.parametrize("name", FORMATS)
def test_before_the_end_a_file_says_that_nobody_knows(name: str) -> None:
    Path("file").write_text("what an earlier run left")
    targets(f"{name}=file")
    unfinished = FORMATS[name]([], LabError("peerlab has not come to its end"))
    assert Path("file").read_bytes().decode() == unfinished
    assert "peerlab has not come to its end" in unfinished


@pytest.mark.usefixtures("results")
def test_what_cannot_be_written_is_told_before_anything_is_played() -> None:
    Path("taken").mkdir()
    with pytest.raises(UsageError, match="cannot write 'taken': Is a directory"):
        targets("json=taken")
    Path("file").write_text("")
    with pytest.raises(UsageError, match="cannot write 'file/x': "):
        targets("json=file/x")


@pytest.mark.usefixtures("results")
@pytest.mark.parametrize("texts", [("json=x", "csv=x"), ("json=-", "github=-")])
def test_two_formats_in_one_place_are_refused(texts: tuple[str, str]) -> None:
    with pytest.raises(UsageError, match=r"got --write twice for '[x-]'"):
        targets(*texts)


@pytest.mark.usefixtures("results")
def test_a_pipe_gets_one_text() -> None:
    os.mkfifo("pipe")
    reader = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
    written, _ = targets("csv=pipe")
    written.write([], None)
    assert os.read(reader, 10_000) == b"submission,total,max,outcome,error\r\n"
    os.close(reader)
    assert stat.S_ISFIFO(Path("pipe").stat().st_mode)


def test_one_that_fails_keeps_no_other_from_being_written(results: Results) -> None:
    written, said = targets("json=-", "gradescope=g", "csv=c")
    runs = [results.made(check(), submission=name) for name in ("alice", "bob")]
    with pytest.raises(UsageError, match="gradescope takes the runs of one submission"):
        written.write(runs, None)
    assert "alice" in Path("c").read_text()
    assert len(said) == 1


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
def test_whatever_is_printed_can_be_written_and_commands_no_ci_system(
    results: Results, name: str, text: str
) -> None:
    written, _ = targets(f"{name}=file")
    written.write([results.made(hostile(text), name=text, submission=text)], LabError(text))
    told = Path("file").read_bytes().decode()
    assert re.search(r"##\w*\[", told) is None
    begins = [line.lstrip()[:2] for line in re.split("[\r\n]", told)]
    assert ("::" in begins) == (name == "github")
