from concurrent.futures import ThreadPoolExecutor

from services.lines import LineReader
from services.protocol import VERSION, parse_reply
from services.server.registry import Registry


def listed(registry: Registry) -> dict[str, tuple[str, int]]:
    everybody: dict[str, tuple[str, int]] = {}
    for line in LineReader().feed(registry.listing(VERSION)):
        assert isinstance(line, str)
        everybody |= parse_reply(line).clients  # type: ignore[union-attr]
    return everybody


def test_labels_count_the_logins_and_the_list_is_in_order_of_login() -> None:
    registry = Registry()

    assert registry.add(("10.0.0.2", 50001)) == "USER 1"
    assert registry.add(("10.0.0.3", 50000)) == "USER 2"
    assert list(listed(registry).items()) == [
        ("USER 1", ("10.0.0.2", 50001)),
        ("USER 2", ("10.0.0.3", 50000)),
    ]
    assert registry.client_addresses == listed(registry)


def test_a_label_that_was_freed_is_not_given_again() -> None:
    registry = Registry()
    registry.add(("10.0.0.2", 50001))
    registry.remove("USER 1")

    assert listed(registry) == {}
    assert registry.add(("10.0.0.2", 50001)) == "USER 2"


def test_removing_a_label_twice_is_no_error() -> None:
    registry = Registry()
    registry.add(("10.0.0.2", 50001))
    registry.remove("USER 1")
    registry.remove("USER 1")

    assert listed(registry) == {}


def test_the_list_is_made_anew_only_after_a_change() -> None:
    registry = Registry()
    registry.add(("10.0.0.2", 50001))
    first = registry.listing(VERSION)

    assert registry.listing(VERSION) is first
    registry.remove("USER 7")
    assert registry.listing(VERSION) is first
    registry.add(("10.0.0.3", 50001))
    assert registry.listing(VERSION) != first


def test_logins_at_the_same_time_get_different_labels() -> None:
    registry = Registry()
    with ThreadPoolExecutor(8) as threads:
        labels = list(threads.map(lambda n: registry.add(("10.0.0.2", n)), range(1, 501)))

    assert sorted(labels) == sorted(f"USER {number}" for number in range(1, 501))
    assert len(listed(registry)) == 500
