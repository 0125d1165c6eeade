"""Whatever is typed or shown, the loader reads from the written scenario what it was."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from peerlab.drive.scope import Scope, Variables
from peerlab.record.confided import Confided
from peerlab.record.wording import Wording
from peerlab.record.writing import plain, quoted
from peerlab.scenario.model import Expect, Step, Type
from peerlab.scenario.values import Pattern, Template
from tests.record.made_up import MadeUp

HOSTILE = [
    "",
    " ",
    "null",
    "~",
    "- x",
    "a: b # c",
    'say "hi"',
    "it's {x} and {{y}} and {alice.ip}",
    "{secret.alice}",
    "/looks like one/",
    "/",
    "//",
    "\\d+ \\",
    "ümlaut 日本 👍 \u202e bidi",
    "\x1b[31mred\x07 \x00 \x85 \u2028 \ufeff",
    "[a, b]: {c}",
    "!tag &anchor *alias | > % @ `",
    "10.9.8.3 and 10.9.8.3:1234 at 2026-01-02",
    "\ttabs\t",
]
KNOWN = {
    "alice": {"name": "alice", "ip": "10.9.8.3", "label": "USER 1", "port": "40001"},
    "bob": {"name": "bob", "ip": "10.9.8.4", "label": "USER (2)"},
}
WORDING = Wording(KNOWN, {"label"}, Confided(["hidden"], []))
SCOPE = Scope(Variables({node: dict(known) for node, known in KNOWN.items()}), {}, {})
LINES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=40)
SPICED = st.lists(
    st.sampled_from([*HOSTILE, "USER 1", "USER (2)", "10.9.8.4", "hidden", "40001", "3 ms"]) | LINES
).map(" ".join)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_was_typed_is_what_the_step_types(tmp_path: Path, text: str) -> None:
    made = MadeUp(tmp_path, "alice")
    made.types("alice", text)
    (step,) = made.load(made.told()[0]).steps
    assert isinstance(step, Step)
    assert isinstance(step.act, Type)
    scope = Scope(Variables({"alice": {"ip": "10.9.8.3"}}), {}, {})
    assert step.act.text.render(scope.resolve) == text


@pytest.mark.parametrize("text", [text for text in HOSTILE if text.strip()])
def test_what_was_shown_is_what_the_step_finds(tmp_path: Path, text: str) -> None:
    made = MadeUp(tmp_path, "alice")
    made.shows("alice", f"before\n{text}\n")
    made.types("alice", "x")
    step = made.load(made.told()[0]).steps[0]
    assert isinstance(step, Step)
    assert isinstance(step.act, Expect)
    scope = Scope(Variables({"alice": {"ip": "10.9.8.3"}}), {}, {})
    match = step.act.pattern.compile(scope.resolve).search(f"before\n{text}\n")
    assert match is not None
    assert match[0] == text.rstrip("\n")


@settings(max_examples=200)
@given(text=SPICED)
def test_a_template_gives_the_text_again(text: str) -> None:
    assert Template.parse(WORDING.typed(text)).render(SCOPE.resolve) == text


@settings(max_examples=200)
@given(text=SPICED.filter(lambda text: text.strip() != ""))
def test_a_pattern_finds_the_text_again(text: str) -> None:
    pattern = Pattern.parse(WORDING.seen(text))
    assert pattern.compile(SCOPE.resolve).fullmatch(text)
    assert "hidden" not in WORDING.seen(text)


@settings(max_examples=200)
@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_yaml_gives_the_text_again(text: str) -> None:
    assert yaml.safe_load(f"{{x: {quoted(text)}}}") == {"x": text}
    assert quoted(text).isprintable()


@pytest.mark.parametrize("word", ["null", "no", "1", "a b", "alice"])
def test_a_word_is_text_to_the_language(tmp_path: Path, word: str) -> None:
    made = MadeUp(tmp_path, "alice")
    made.types("alice", "x")
    path = tmp_path / "title.yaml"
    path.write_text(made.told()[0].text.replace('"x"', plain(word)))
    assert f"type: {plain(word)}" in path.read_text()


def test_addresses_ports_times_and_labels_fit_on_the_next_run() -> None:
    text = "USER 1 at ('10.9.8.3', 40001), 203.0.113.9:7, 2026-01-02 03:04:05, 12 ms, deadbeef01"
    written = WORDING.seen(text)
    assert written == (
        r"/{alice.label} at \('{alice.ip}', \d+\), [\d.]+:\d+, "
        r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}, [\d.]+ ms, [0-9a-f]+/"
    )
    assert WORDING.typed("send 10.9.8.3 40001 10.9.8.30") == (
        "send {alice.ip} {alice.port} 10.9.8.30"
    )
    assert WORDING.typed("USER (2)") == "{bob.label}"
