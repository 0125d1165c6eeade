"""Each obstacle to labs of namespaces is told with the remedy that helps there."""

import errno
from collections.abc import Mapping

import pytest

from peerlab.backend.netns.obstacles import explain

APPARMOR = {"kernel/apparmor_restrict_unprivileged_userns": "1"}
DEBIAN = {"kernel/unprivileged_userns_clone": "0"}
NO_USERS = {"user/max_user_namespaces": "0"}
FEW_NETWORKS = {"user/max_user_namespaces": "9", "user/max_net_namespaces": "3"}


@pytest.mark.parametrize(
    ("number", "parameters", "in_container", "root", "remedy"),
    [
        (errno.EPERM, APPARMOR, False, False, "apparmor_restrict_unprivileged_userns=0"),
        (errno.EACCES, APPARMOR, False, False, "apparmor_restrict_unprivileged_userns=0"),
        (errno.EPERM, DEBIAN, False, False, "kernel.unprivileged_userns_clone=1"),
        (errno.EPERM, NO_USERS, False, False, "user.max_user_namespaces=15000"),
        (errno.ENOSPC, NO_USERS, False, False, "user.max_user_namespaces=15000"),
        (errno.ENOSPC, FEW_NETWORKS, False, False, "user.max_net_namespaces = 3"),
        (errno.EPERM, {}, True, True, "--cap-add SYS_ADMIN --cap-add NET_ADMIN"),
        (errno.EPERM, APPARMOR, True, False, "--security-opt seccomp=unconfined"),
        (errno.EPERM, {}, False, False, "run the lab with sudo"),
        (errno.EMFILE, {}, False, True, "`ulimit -Hn`"),
        (errno.ENFILE, {}, True, True, "open files"),
        (errno.EAGAIN, {}, False, False, "`ulimit -u`"),
        (errno.ENOMEM, {}, False, True, "memory"),
        (errno.ENOSYS, {}, False, True, "Linux 5.12"),
        (errno.EINVAL, {}, False, True, "Linux 5.12"),
        (None, {}, False, True, "try again"),
    ],
)
def test_the_remedy_fits_the_obstacle(
    number: int | None,
    parameters: Mapping[str, str],
    *,
    in_container: bool,
    root: bool,
    remedy: str,
) -> None:
    unfit = explain(
        "network",
        number,
        "Not today",
        parameter=parameters.get,
        in_container=in_container,
        root=root,
    )
    assert unfit.message == "this machine does not let a lab make its network: Not today"
    assert remedy in (unfit.hint or "")
    assert unfit.exit_status == 4
