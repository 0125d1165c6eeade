"""Whatever is in a file, the loader gives a scenario or says what is wrong."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from peerlab.scenario.load import load_scenario
from peerlab.scenario.program import load_program
from peerlab.scenario.source import CODES, ScenarioError, Source
from peerlab.scenario.tree import Entries, Hole, Items, Scalar, Tree, read_tree
from peerlab.scenario.values import (
    Template,
    expand_nodes,
    parse_duration,
    parse_numbers,
    parse_percent,
    parse_rate,
    parse_time,
)
from tests.scenario.conftest import HERE, PROGRAMS

EXAMPLE = (HERE / "scenarios" / "chat" / "example.yaml").read_text(encoding="utf-8")
NETWORK = (HERE / "scenarios" / "network" / "example.yaml").read_text(encoding="utf-8")
CLIENT = PROGRAMS["client"].read_text(encoding="utf-8")

ONE_DIRECTORY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
PIECES = [
    *("steps", "nodes", "u1", "u[1-3]", "to", "say", "each", "choose", "log", "together", "exits"),
    *(": ", "- ", "\n  ", "\n", "[", "]", "{", "}", ", ", "'", '"', "&a ", "*a", "!!x ", "<<", "|"),
    *("wire", "heal", "partition", "drop", "swap", "delay", "network", "segments", "joins", "nat"),
    *("2-1", "0", "120%", "0%", "1us", "9bit", "[[u1], [u2]]", "{2: 1s}", "preset", "name"),
    *("/(?P<ip>.)/", "{u1.ip}", "1s", "-1", "client", "\t", "\\", "#", "---", "?", "😀", "\u2028"),
]


@st.composite
def damaged(draw: st.DrawFn, text: str) -> bytes:
    """`text` with some stretches of it replaced by others, or by words of the language."""
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 30)))
        other = draw(st.integers(0, len(text)))
        moved = text[other : other + draw(st.integers(0, 60))]
        new = draw(st.one_of(st.just(""), st.just(moved), st.sampled_from(PIECES), st.text()))
        text = text[:start] + new + text[end:]
    return text.encode("utf-8", "surrogatepass")


def assert_told_well(error: ScenarioError) -> None:
    assert error.diagnostics
    for problem in error.diagnostics:
        assert problem.code in CODES
        assert problem.span.line >= 1
        assert problem.span.column >= 1
    assert all(line.isprintable() for line in str(error).split("\n"))


@ONE_DIRECTORY
@given(st.one_of(st.binary(), damaged(EXAMPLE), damaged(NETWORK), damaged(CLIENT)))
@example(b"")
@example(b"\xff")
@example(b"\xef\xbb\xbf")
@example(b"[" * 5000)
@example(b"{a: " * 5000)
@example(b"- " * 5000)
@example(b"? " * 5000)
@example(b'"\\ud800"')
@example(b'title: "\\0\\e[0m"')
@example(b"%YAML 9.9\n---\na")
@example(b"nodes: {u1: client}\nsteps: [{wire: {delay: 9" + b"9" * 5000 + b"s}}]")
@example(b"nodes: {u1: client}\nsteps: [{wire: {rate: 9" + b"9" * 5000 + b"bit, drop: 1-9}}]")
@example(b"within: 9" + b"9" * 5000 + b"m\nnodes: {u[1-9999]: client}")
def test_any_bytes_are_a_scenario_or_are_told_what_is_wrong(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "any.yaml"
    path.write_bytes(data)
    for load in (
        lambda: load_scenario(path, programs=PROGRAMS),
        lambda: load_program("any", path),
    ):
        try:
            load()
        except ScenarioError as error:
            assert_told_well(error)


def scalars(tree: Tree) -> list[Scalar]:
    match tree:
        case Scalar():
            return [tree]
        case Items():
            return [scalar for item in tree.items for scalar in scalars(item)]
        case Entries():
            return [scalar for key, value in tree.pairs for scalar in (key, *scalars(value))]
        case Hole():
            return []


WORDS = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"), exclude_characters="\ufeff\ufffe"),
    min_size=1,
)


@ONE_DIRECTORY
@given(st.lists(WORDS, min_size=1))
def test_the_place_of_every_scalar_is_where_it_is_written(tmp_path: Path, words: list[str]) -> None:
    quoted = ["'" + word.replace("'", "''") + "'" for word in words]
    path = tmp_path / "words.yaml"
    path.write_text(f"- [{', '.join(quoted)}]\n- {{😀: {quoted[0]}}}\n", encoding="utf-8")
    source, tree, problems = read_tree(path)
    assert isinstance(source, Source)
    if problems:
        # YAML refuses a few characters that Unicode has no category for.
        assert problems[0].code == "control-character"
        return
    assert tree is not None
    found = scalars(tree)
    assert [source.raw(scalar.span) for scalar in found] == [*quoted, "😀", quoted[0]]
    assert [scalar.text for scalar in found] == [*words, "😀", words[0]]


@given(st.text())
def test_a_template_without_values_put_in_is_the_text_it_was_read_from(text: str) -> None:
    template = Template.parse(text)
    shown = template.render(lambda reference: f"{{{reference}}}")
    assert shown == str(template)
    assert len(shown) <= len(text)


@given(st.integers(0, 9999), st.integers(0, 40))
def test_a_range_of_nodes_is_every_node_in_it(first: int, more: int) -> None:
    last = min(9999, first + more)
    assert expand_nodes(f"u[{first}-{last}]") == tuple(f"u{n}" for n in range(first, last + 1))


@pytest.mark.parametrize(
    ("text", "seconds"), [("200ms", 0.2), ("1.5s", 1.5), ("2m", 120.0), ("0s", 0.0)]
)
def test_durations_are_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "seconds"), [("250us", 0.00025), ("83ms", 0.083), ("1.5s", 1.5), ("1m", 60.0)]
)
def test_times_of_the_network_are_exact_seconds(text: str, seconds: float) -> None:
    assert parse_time(text) == seconds


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        ("9600bit", 9600),
        ("256kbit", 256_000),
        ("1.5mbit", 1_500_000),
        ("1gbit", 1_000_000_000),
        ("64kbps", 512_000),
    ],
)
def test_rates_are_bits_a_second_as_in_tc(text: str, bits: int) -> None:
    assert parse_rate(text) == bits


@given(st.decimals(0, 100, places=3))
def test_percentages_are_chances(number: Decimal) -> None:
    assert parse_percent(f"{number}%") == pytest.approx(float(number) / 100)


@given(st.integers(1, 999_999), st.integers(0, 999_999))
def test_a_range_of_numbers_is_its_first_and_last(first: int, more: int) -> None:
    assert parse_numbers(f"{first}-{first + more}") == (first, first + more)
    assert parse_numbers(str(first)) == (first, first)
