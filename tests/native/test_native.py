"""The native mode in a kernel that has netem, with the program tc as a witness."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from peerlab.evidence.journal import Event, Kind
from peerlab.evidence.reading import Evidence
from tests.native import emulated, played

pytestmark = pytest.mark.uml

IDLE: dict[str, Any] = {"limit": 1_000_000, "ecn": False, "gap": 0}
DELAY = {"delay": {"delay": 0.03, "jitter": 0.01, "correlation": 0}}
MORE = {
    "duplicate": {"duplicate": 0.2, "correlation": 0},
    "corrupt": {"corrupt": 0.05, "correlation": 0},
}
BURSTS = {"loss-gemodel": {"p": 0.01, "r": 0.25, "1-h": 0.9, "1-k": 0.005}}
LOSS = {"loss-random": {"loss": 0.125, "correlation": 0}}


def rate(octets: int) -> dict[str, Any]:
    """The header of Ethernet is not counted."""
    how = {"rate": octets, "packetoverhead": -14, "cellsize": 0, "celloverhead": 0}
    return {"rate": how}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a kernel with netem left: it is booted once."""
    made = tmp_path_factory.mktemp("uml")
    emulated.run(Path(played.__file__), made)
    return made


def evidence(folder: Path, scenario: str) -> Evidence:
    return Evidence(folder / "runs" / scenario / "latest")


def wire(evidence: Evidence, text: str) -> list[Event]:
    return [event for event in evidence.journal if event.kind is Kind.WIRE and event.text == text]


def known(folder: Path, node: str) -> Mapping[str, str]:
    (end,) = [event for event in evidence(folder, "done").journal if event.kind is Kind.END]
    variables: Mapping[str, str] = end.detail["variables"][node]
    return variables


def got(folder: Path) -> list[str]:
    """The words that b got, in order."""
    text = "".join(
        event.text
        for event in evidence(folder, "done").journal
        if event.kind is Kind.PRINTED and event.node == "b"
    )
    return [line.split()[1] for line in text.splitlines() if line.startswith("got")]


@pytest.mark.parametrize(
    ("step", "leaving_a", "leaving_b", "arriving_at_b"),
    [
        (1, None, {**DELAY, **BURSTS, **MORE}, {**DELAY, **BURSTS, **MORE}),
        (
            2,
            None,
            # The packets that wait for the rate, one on its way, and those that are delayed.
            {"limit": 53, **DELAY, **LOSS, **MORE, **rate(125_000)},
            {"limit": 53, **DELAY, **LOSS, **MORE, **rate(125_000)},
        ),
        (
            3,
            {"limit": 101, **rate(5_000_000_000)},
            {"limit": 53, **DELAY, **LOSS, **MORE, **rate(125_000)},
            {"limit": 53, **DELAY, **LOSS, **MORE, **rate(125_000)},
        ),
        (
            4,
            {},
            {"limit": 53, **DELAY, **LOSS, **MORE, **rate(125_000)},
            {"limit": 53, **DELAY, **LOSS, **MORE, **rate(125_000)},
        ),
        # From here on the wire delays what b sends: it keeps the order.
        (
            5,
            {},
            {"limit": 51, **LOSS, **MORE, **rate(125_000)},
            {"limit": 53, **DELAY, **LOSS, **MORE, **rate(125_000)},
        ),
        # The cable was pulled and put back, and what pairs have is the wire's.
        (
            8,
            {},
            {"limit": 51, **LOSS, **MORE, **rate(125_000)},
            {"limit": 53, **DELAY, **LOSS, **MORE, **rate(125_000)},
        ),
        (9, {}, {"limit": 51, **LOSS, **MORE, **rate(125_000)}, LOSS),
        (10, {}, {}, {}),
    ],
)
def test_tc_reads_in_the_kernel_what_the_steps_ask_for(
    folder: Path,
    step: int,
    leaving_a: dict[str, Any] | None,
    leaving_b: dict[str, Any],
    arriving_at_b: dict[str, Any],
) -> None:
    expected = {"eth0 10.201.0.3": IDLE | leaving_b, "port1": IDLE | arriving_at_b}
    if leaving_a is not None:
        expected["eth0 10.201.0.2"] = IDLE | leaving_a
    assert json.loads((folder / f"read-{step}.json").read_text()) == expected


def test_the_journal_says_which_rules_are_the_kernels_and_since_when(folder: Path) -> None:
    told = evidence(folder, "told")
    assert told.journal[0].detail["wire"] == "native"
    native = [
        (event.node, event.detail["way"], event.detail["rules"]) for event in wire(told, "native")
    ]
    assert native[0] == ("b", "arriving", ["the start (delay: 10ms)"])
    assert ("a", "leaving", ["step 3 (rate: 40gbit)"]) in native
    assert ("a", "leaving", []) in native
    assert not any("delay: 20ms, jitter: 5ms" in str(rules) for _, _, rules in native)
    assert native[-2:] == [("b", "leaving", []), ("b", "arriving", [])]


def test_the_kernel_is_tried_before_anything_is_played(folder: Path) -> None:
    tried = wire(evidence(folder, "done"), "tried")
    assert [event for event in tried if event.detail["wrong"]] == []
    by_kernel = {
        event.detail["rules"][0]: event.detail for event in tried if event.detail["native"]
    }
    assert by_kernel["loss: 100%"]["arrived"] == 0
    assert by_kernel["duplicate: 100%"]["arrived"] == 24
    assert by_kernel["delay: 40ms"]["arrived"] == 12
    assert "drop: 1" not in by_kernel


def test_the_kernel_delays_until_another_delay_or_none_takes_its_place(folder: Path) -> None:
    took = {name: float(known(folder, "b")[name]) for name in ("d1", "d2", "d3", "x2")}
    assert took["d1"] >= 3000
    assert 1000 <= took["d2"] < 3000
    assert took["d3"] < 1000
    assert took["x2"] >= 40


def test_what_the_kernel_delays_already_arrives_though_its_rule_is_healed(folder: Path) -> None:
    assert float(known(folder, "b")["underway"]) >= 300


def test_the_kernel_loses_duplicates_corrupts_and_queues(folder: Path) -> None:
    words = got(folder)
    assert "lost" not in words
    # The kernel's model changes its state after a packet, not before.
    assert [word for word in words if word.startswith("burst")] == ["burst1"]
    assert [word for word in words if word.startswith("good")] == ["good1", "good2", "good3"]
    assert words.count("twice") == 2
    assert [word for word in words if word.startswith("q")] == ["q1", "q2", "q3"]
    # A bit of a hardware address may be the one that is turned, which does not hurt.
    assert len([word for word in words if word.startswith("c")]) < 8


def test_the_kernel_sends_as_fast_as_the_rate_allows(folder: Path) -> None:
    # Ten packets of 128 bytes at 64 kbit/s; the last of them was sent a little after the first.
    assert 130 <= float(known(folder, "b")["r10"]) < 8000


def test_exact_effects_stay_with_the_wire_beside_the_kernels(folder: Path) -> None:
    words = got(folder)
    assert "x1" not in words
    assert words[-1] == "x2"
    (dropped,) = [
        event
        for event in evidence(folder, "done").journal
        if event.kind is Kind.DATAGRAM and event.detail["fate"] == "dropped"
    ]
    assert dropped.detail["by"] == ["step 48 (drop: 1)"]


def test_parts_of_the_wire_beside_containers_have_the_kernel_act_too(folder: Path) -> None:
    relayed = json.loads((folder / "relayed.json").read_text())
    assert relayed["native"] == [
        ["one", "leaving", ["step 1 (delay)"]],
        ["one", "arriving", ["step 1 (delay)"]],
    ]
    read = {place: options["delay"]["delay"] for place, options in relayed["read"].items()}
    assert read == {"lab0 10.9.0.1": 0.05, "lab1": 0.02}
    assert relayed["there"] >= 50
    assert relayed["back"] >= 20
