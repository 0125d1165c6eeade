from pathlib import Path

from peerlab.evidence.journal import Event
from peerlab.evidence.reading import Evidence
from peerlab.programs import known_programs
from peerlab.recorded import recorded_scenario
from peerlab.report.streams import MOST_POINTS, Figures, Stream, read_streams
from peerlab.scenario.values import MAX_LINE
from services.media.incoming import Incoming
from services.media.receiver import trace
from services.media.rtp import Packet
from tests.support.sound import PROGRAM, heard, media, traced


def read(folder: Path, *events: Event, program: str = PROGRAM) -> list[Stream]:
    evidence = Evidence(heard(folder, events, program))
    return read_streams(evidence, recorded_scenario(evidence))


def test_a_stream_is_told_of_by_whom_it_came_from_and_who_heard_it(tmp_path: Path) -> None:
    (stream,) = read(
        tmp_path,
        traced(1.0, "u2", media(50, 2, 5.52)),
        traced(2.0, "u2", media(100, 12, 4.5)),
    )
    assert (stream.source, stream.target, stream.name) == ("u1", "u2", "a")
    assert [point.told for point in stream.points] == [
        Figures(1.0, 50, 2, 5.52),
        Figures(2.0, 100, 12, 4.5),
    ]
    assert [point.share for point in stream.points] == [4.0, 20.0]
    assert (stream.share, stream.worst_jitter) == (12.0, 5.52)


def test_streams_from_elsewhere_keep_their_address(tmp_path: Path) -> None:
    (stream,) = read(tmp_path, traced(1.0, "u2", media(50, 2, 5, ip="192.0.2.7")))
    assert stream.source == "192.0.2.7"


def test_each_stream_has_its_own_points_and_the_worst_comes_first(tmp_path: Path) -> None:
    streams = read(
        tmp_path,
        traced(1.0, "u2", media(50, 0, 1, name="still") + media(50, 0, 9, name="shaky")),
        traced(1.0, "u3", media(50, 5, 1, name="lossy")),
        traced(2.0, "u2", media(100, 0, 1, name="still")),
    )
    assert [(stream.name, len(stream.points)) for stream in streams] == [
        ("lossy", 1),
        ("shaky", 1),
        ("still", 2),
    ]


def test_a_line_may_come_in_pieces_with_others_between(tmp_path: Path) -> None:
    line = media(50, 2, 5)
    (stream,) = read(
        tmp_path,
        traced(1.0, "u2", "Hello\n" + line[:20]),
        traced(1.1, "u2", "Who is there?\n", stream="stdout"),
        traced(1.2, "u2", line[20:]),
    )
    assert stream.last == Figures(1.2, 50, 2, 5.0)


def test_where_nothing_was_due_no_share_was_lost(tmp_path: Path) -> None:
    (stream,) = read(
        tmp_path,
        traced(1.0, "u2", media(50, 2, 5)),
        traced(1.5, "u2", media(50, 1, 5)),
        traced(2.0, "u2", media(100, -3, 5)),
    )
    assert [point.share for point in stream.points] == [4.0, None, 0.0]
    assert stream.share == 0.0


def test_of_many_points_neighbours_become_one_with_the_highest_jitter(tmp_path: Path) -> None:
    often = 10 * MOST_POINTS
    (stream,) = read(
        tmp_path,
        *(
            traced(second, "u2", media(50 * second, second, 99 if second == 15 else 1))
            for second in range(1, often + 1)
        ),
    )
    assert len(stream.points) == MOST_POINTS
    assert stream.last == Figures(float(often), 50 * often, often, 1.0)
    assert [point.told.jitter for point in stream.points[:3]] == [1.0, 99.0, 1.0]
    assert {point.share for point in stream.points} == {2.0}


def test_what_is_no_figure_is_left_out(tmp_path: Path) -> None:
    odd = [
        media("9" * 5000, 0, 1),
        media(50, 0, "nan"),
        media(50, 0, "inf"),
        media(50, 0, -1),
        media(50, 0, "1e300"),
        media(-5, 0, 1),
        media("many", 0, 1),
        media(50, 2, 3) * 2,
        " " * MAX_LINE + media(50, 2, 3),
    ]
    (stream,) = read(tmp_path, *(traced(1.0, "u2", text) for text in odd))
    assert [point.told for point in stream.points] == [Figures(1.0, 50, 2, 3.0)] * 2


def test_a_program_that_tells_of_no_streams_has_none(tmp_path: Path) -> None:
    assert read(tmp_path, traced(1.0, "u2", media(50, 2, 3)), program="command: [chat]\n") == []


def test_what_a_client_traces_of_media_is_understood(tmp_path: Path) -> None:
    client = known_programs()["client"]
    packet = Packet(
        marker=True, payload_type=0, sequence=1, timestamp=0, ssrc=0x1234ABCD, payload=bytes(160)
    )
    stream = Incoming(packet, ("10.0.0.1", 40211), 0.0)
    line = f"trace: {trace(stream, ended=True)}\n"
    (read_back,) = read(tmp_path, traced(1.0, "u2", line), program=client.read_text())
    assert (read_back.source, read_back.name) == ("u1", "1234abcd")
    assert read_back.last.expected == 1
