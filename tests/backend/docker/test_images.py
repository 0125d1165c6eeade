from pathlib import Path

import pytest

from peerlab.backend.docker.images import copied_files, source_digest
from peerlab.scenario.model import Build

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
