from concurrent.futures import ThreadPoolExecutor

from services.lines import LineReader
from services.parameters import Parameters
from services.protocol import VERSION, parse_reply
from services.server.registry import BETWEEN_MOVES, Registry

OFFERED = Parameters((("192.168.1.2", 50001),), (), {})


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


def test_a_registered_address_goes_before_the_same_one_of_a_connection() -> None:
    registry = Registry()
    for port in (50001, 50002, 50003):
        registry.offer(registry.add(("203.0.113.7", port)), OFFERED)

    assert registry.move("USER 1", ("203.0.113.7", 50002), 0.0)
    assert listed(registry) == {"USER 1": ("203.0.113.7", 50002), "USER 3": ("203.0.113.7", 50003)}
    assert not registry.move("USER 3", ("203.0.113.7", 50002), 0.0)
    assert registry.move("USER 2", ("203.0.113.7", 50001), 0.0)
    registry.add(("203.0.113.7", 50001))
    assert list(listed(registry)) == ["USER 1", "USER 2", "USER 3"]


def test_the_address_of_who_is_behind_no_nat_cannot_be_registered_by_another_one() -> None:
    registry = Registry()
    registry.offer(registry.add(("203.0.113.7", 50001)), OFFERED)
    registry.add(("203.0.113.7", 50002))

    assert not registry.move("USER 1", ("203.0.113.7", 50002), 0.0)


def test_a_client_moves_once_in_a_while_and_may_stay_where_it_is() -> None:
    registry = Registry()
    registry.add(("203.0.113.7", 50001))

    assert registry.move("USER 1", ("203.0.113.7", 1), 0.0)
    assert not registry.move("USER 1", ("203.0.113.7", 2), BETWEEN_MOVES / 2)
    assert registry.move("USER 1", ("203.0.113.7", 1), BETWEEN_MOVES / 2)
    assert registry.move("USER 1", ("203.0.113.7", 2), BETWEEN_MOVES)


def test_who_offers_an_address_is_behind_a_nat_though_it_has_registered_none() -> None:
    registry = Registry()
    registry.add(("203.0.113.7", 50001))
    assert b"behind" not in registry.listing(VERSION)
    registry.offer("USER 1", OFFERED)

    assert b'"behind":["USER 1"]' in registry.listing(VERSION)
