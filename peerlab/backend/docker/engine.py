"""Finds the container engine that the user's own `docker` command would use."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import docker
from docker.errors import DockerException
from docker.utils import kwargs_from_env
from requests.exceptions import RequestException

from peerlab.errors import LabError, MachineUnfit

ANSWERS_WITHIN: Final = 10
"""Seconds that the engine may take to say that it is there."""

TIMEOUT: Final = 60
"""Seconds that the engine may take for one request."""

CONNECTIONS: Final = 64
"""Requests under way at once; attached terminals do not count, they leave the pool."""


def connect() -> docker.APIClient:
    """Connect to the engine of `DOCKER_HOST`, else of the current Docker context.

    Raises:
        MachineUnfit: no engine answers.
    """
    try:
        settings = kwargs_from_env()
        if "base_url" not in settings:
            context = docker.ContextAPI.get_current_context()
            if context.Host:
                settings["base_url"] = context.Host
        client = docker.APIClient(
            version="auto", timeout=ANSWERS_WITHIN, max_pool_size=CONNECTIONS, **settings
        )
    except (DockerException, RequestException, OSError, ValueError) as error:
        raise MachineUnfit(
            f"no container engine answers: {_root_cause(error)}",
            hint="start Docker, or install an engine with `make engine` (Debian, Ubuntu); "
            "`peerlab doctor` tells more",
        ) from error
    client.timeout = TIMEOUT
    # No proxy is between here and a socket of this machine. Whoever asks the environment for one,
    # at every request, stumbles where another thread changes it.
    client.trust_env = not client.base_url.startswith("http+docker://")
    return client


@contextmanager
def engine_errors(doing: str) -> Iterator[None]:
    """Turn whatever the engine or the way to it raises into a LabError that says what was done.

    Raises:
        LabError: the block raised an error of the engine.
    """
    try:
        yield
    except (DockerException, RequestException, OSError) as error:
        raise LabError(f"the engine failed to {doing}: {_last_words(error)}") from error


def _root_cause(error: BaseException) -> str:
    """What the system said, below all that was wrapped around it."""
    inner = [error.__cause__, error.__context__, *error.args]
    for cause in inner:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        if isinstance(cause, BaseException):
            return _root_cause(cause)
    return " ".join(str(error).split())[:500]


def _last_words(error: Exception) -> str:
    explanation = getattr(error, "explanation", None)
    return " ".join(str(explanation or error).split())[:500]
