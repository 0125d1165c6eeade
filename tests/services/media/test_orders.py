import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.media.orders import Call, Order, PlayFile, PlayTone, SoundError, parse_order


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("/play greeting.wav", PlayFile("greeting.wav")),
        ("  /play  my voice/hello there.wav ", PlayFile("my voice/hello there.wav")),
        ("/play tones.wav", PlayFile("tones.wav")),
        ("/play tone", PlayTone(1.0)),
        ("/play tone 3s", PlayTone(3.0)),
        ("/play tone 0.5 s", PlayTone(0.5)),
        ("/play tone 60", PlayTone(60.0)),
        ("/call 10", Call(10.0)),
        ("/call 2.5s", Call(2.5)),
    ],
)
def test_an_order_is_read(text: str, order: Order) -> None:
    assert parse_order(text) == order


@pytest.mark.parametrize(
    "text", ["HELLO", "play tone 3s", "/player one", "/PLAY x", "I /play tone 3s", "/", "/calling"]
)
def test_everything_else_is_a_message(text: str) -> None:
    assert parse_order(text) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("/play", "type /play and the path of a WAV file, or /play tone 3s"),
        ("/play   ", "type /play and the path of a WAV file, or /play tone 3s"),
        ("/play tone 61s", "it can last up to 60 s, and more than 0 s"),
        ("/play tone 0", "it can last up to 60 s, and more than 0 s"),
        ("/call", "type /call and how many seconds, as in /call 10"),
        ("/call USER 2", "type /call and how many seconds, as in /call 10"),
        ("/call 9999", "it can last up to 60 s, and more than 0 s"),
    ],
)
def test_half_an_order_is_explained(text: str, why: str) -> None:
    with pytest.raises(SoundError) as refused:
        parse_order(text)

    assert str(refused.value) == why


@given(st.text())
def test_any_text_is_an_order_a_message_or_refused(text: str) -> None:
    for each in (text, f"/play {text}", f"/play tone {text}", f"/call {text}"):
        try:
            parse_order(each)
        except SoundError:
            continue
