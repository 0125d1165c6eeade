import secrets
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from peerlab.backend.docker.engine import connect
from peerlab.backend.docker.images import Images, copied_files, source_digest
from peerlab.errors import MachineUnfit
from peerlab.scenario.model import Build
from peerlab.scenario.program import load_program

DOCKERFILE = """\
FROM debian:trixie-slim AS base
RUN true
FROM base AS services
COPY services services
FROM services AS client
FROM base AS lab
COPY --from=services /app /app
COPY --chown=1:1 peerlab scenarios /app/
"""


@pytest.fixture
def context(tmp_path: Path) -> Path:
    for name in ("services/a.py", "services/__pycache__/a.pyc", "peerlab/b.py", "scenarios/c.yaml"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    return tmp_path


def build(context: Path, target: str | None) -> Build:
    return Build(context, target, context / "Dockerfile")


@pytest.mark.parametrize(
    ("target", "names"),
    [
        ("base", []),
        ("client", ["services/a.py"]),
        ("lab", ["peerlab/b.py", "scenarios/c.yaml", "services/a.py"]),
        (None, ["peerlab/b.py", "scenarios/c.yaml", "services/a.py"]),
    ],
)
def test_a_target_depends_on_what_it_and_its_stages_copy(
    context: Path, target: str | None, names: list[str]
) -> None:
    found = copied_files(build(context, target))
    assert [path.relative_to(context).as_posix() for path in found] == names


def test_a_changed_source_changes_the_digest_of_the_targets_that_copy_it(context: Path) -> None:
    client, lab = build(context, "client"), build(context, "lab")
    before = source_digest(client), source_digest(lab)
    (context / "peerlab/b.py").write_text("changed")
    assert source_digest(client) == before[0]
    assert source_digest(lab) != before[1]


def test_the_name_of_a_directory_above_the_context_does_not_matter(tmp_path: Path) -> None:
    context = tmp_path / "runs" / ".venv"
    (context / "services").mkdir(parents=True)
    (context / "services/a.py").write_text("a")
    (context / "Dockerfile").write_text(DOCKERFILE)
    assert copied_files(build(context, "client")) == [context / "services/a.py"]


def test_a_changed_dockerfile_changes_the_digest(context: Path) -> None:
    before = source_digest(build(context, "client"))
    (context / "Dockerfile").write_text(DOCKERFILE + "USER 1\n")
    assert source_digest(build(context, "client")) != before


def test_a_program_that_names_no_image_is_not_for_containers(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("command: [sh, mine.sh]")
    unused = docker.APIClient(version="1.41")
    with pytest.raises(MachineUnfit) as caught:
        Images(unused, print).resolve(load_program("mine", path))
    unused.close()
    assert caught.value.message == f"program mine ({path}) names no image"
    assert "`--backend netns`" in str(caught.value.hint)


@pytest.fixture
def image() -> Iterator[str]:
    """The name of an image that is removed after the test."""
    name = f"peerlab/test-{secrets.token_hex(4)}"
    yield name
    client = connect()
    client.remove_image(name)
    client.close()


@pytest.mark.docker
def test_an_image_is_built_again_only_when_what_it_is_made_of_has_changed(
    tmp_path: Path, image: str
) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY mine /\n")
    (tmp_path / "mine").write_text("one")
    (tmp_path / "program.yaml").write_text(f"image: {image}\nbuild: {{context: .}}\n")
    program = load_program("mine", tmp_path / "program.yaml")
    said: list[str] = []
    client = connect()
    first = Images(client, said.append).resolve(program)
    assert Images(client, said.append).resolve(program) == first
    assert said == [f"building image {image} (not there yet)"]
    (tmp_path / "mine").write_text("two")
    assert Images(client, said.append).resolve(program) != first
    client.remove_image(first)
    client.close()
    assert said[1:] == [f"building image {image} (older than its sources)"]
