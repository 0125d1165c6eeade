import os

import pytest

from peerlab.backend.docker.engine import connect

pytestmark = pytest.mark.docker


@pytest.mark.skipif(
    "DOCKER_HOST" in os.environ, reason="the engine may be another machine's, behind a proxy"
)
def test_requests_to_an_engine_of_this_machine_look_for_no_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def look(*_: object, **__: object) -> dict[str, str]:
        raise AssertionError("the environment was asked")

    client = connect()
    try:
        monkeypatch.setattr("requests.sessions.get_environ_proxies", look)
        assert client.version()["ApiVersion"]
    finally:
        client.close()
