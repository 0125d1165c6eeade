"""Why a machine does not let a lab be made of namespaces, and what helps."""

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from peerlab.backend.wire import without_netem
from peerlab.errors import MachineUnfit

NETEM: Final = "netem"
"""The stage of what only native labs need."""

_APPARMOR: Final = "kernel/apparmor_restrict_unprivileged_userns"
_DEBIAN: Final = "kernel/unprivileged_userns_clone"
_USERS: Final = "user/max_user_namespaces"
_CONTAINER_MARKS: Final = (Path("/.dockerenv"), Path("/run/.containerenv"))


def _parameter(name: str) -> str | None:
    try:
        return Path("/proc/sys", name).read_text(encoding="ascii").strip()
    except OSError:
        return None


def require_linux() -> None:
    """Refuse other systems.

    Raises:
        MachineUnfit: this is one.
    """
    if sys.platform != "linux":
        raise MachineUnfit(
            f"labs without an engine need Linux, and this is {sys.platform}",
            hint="use a container engine: `--backend docker`; or run the lab inside of one "
            "container: docs/netns.md",
        )


def explain(
    stage: str,
    number: int | None,
    text: str,
    *,
    parameter: Callable[[str], str | None] = _parameter,
    in_container: bool | None = None,
    root: bool | None = None,
) -> MachineUnfit:
    """Say why a stage of making a lab failed.

    Args:
        stage: what could not be made.
        number: the errno; None: it took too long.
        text: what the system says.
        parameter: gives the value of a kernel parameter, None where there is none.
        in_container: whether this is a container; else looked up.
        root: whether the lab is made by root; else looked up.
    """
    if stage == NETEM:
        return without_netem(text)
    inside = (
        any(mark.exists() for mark in _CONTAINER_MARKS) if in_container is None else in_container
    )
    by_root = os.geteuid() == 0 if root is None else root
    hint = _hint(number, parameter, inside=inside, by_root=by_root)
    return MachineUnfit(f"this machine does not let a lab make its {stage}: {text}", hint=hint)


def _hint(
    number: int | None, parameter: Callable[[str], str | None], *, inside: bool, by_root: bool
) -> str:
    match number:
        case None:
            return "the machine was too busy: try again, or use fewer nodes"
        case errno.ENOSPC:
            return (
                "too many namespaces: `sysctl user` shows the limits, such as "
                f"user.max_net_namespaces = {parameter('user/max_net_namespaces')}"
                if parameter(_USERS) != "0"
                else "user namespaces are off: `sudo sysctl -w user.max_user_namespaces=15000`"
            )
        case errno.EMFILE | errno.ENFILE:
            return "too many open files: raise the limit (`ulimit -Hn`), or use fewer nodes"
        case errno.EAGAIN | errno.ENOMEM:
            return "too many processes or too little memory: raise `ulimit -u`, or use fewer nodes"
        case errno.ENOSYS | errno.EINVAL:
            return "labs without an engine need Linux 5.12 or newer with namespaces and veth"
        case _:
            return _permission_hint(parameter, inside=inside, by_root=by_root)


def _permission_hint(parameter: Callable[[str], str | None], *, inside: bool, by_root: bool) -> str:
    if inside and by_root:
        return (
            "start this container with `--cap-add SYS_ADMIN --cap-add NET_ADMIN "
            "--cap-add NET_RAW --security-opt apparmor=unconfined`"
        )
    if inside:
        return (
            "start this container with `--security-opt seccomp=unconfined "
            "--security-opt apparmor=unconfined`"
        )
    if by_root:
        return "root lacks a right here, such as CAP_SYS_ADMIN: see capabilities(7)"
    if parameter(_APPARMOR) == "1":
        return (
            "AppArmor keeps ordinary users from it (Ubuntu 23.10 and newer): "
            "`sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`, or run the lab with "
            "sudo, or allow it for one program with an AppArmor profile (docs/netns.md)"
        )
    for name, value in ((_DEBIAN, "1"), (_USERS, "15000")):
        if parameter(name) == "0":
            switch = name.replace("/", ".")
            return f"`sudo sysctl -w {switch}={value}`, or run the lab with sudo"
    return "run the lab with sudo, or use a container engine: `--backend docker`"
