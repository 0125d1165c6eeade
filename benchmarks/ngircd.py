"""ngircd, an IRC server in C, from Debian's package: what there is for the same job elsewhere."""

import os
import shutil
import subprocess
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.callers import Language
from benchmarks.loopback import HERE, Server, free_port, serving
from peerlab.errors import MachineUnfit

_PACKAGES = ("ngircd", "libident")
"""With the one library that hardly any machine has already."""
_WITHIN = 60.0

LANGUAGE = Language(
    login=lambda number: b"NICK n%07d\r\nUSER n 0 * :n\r\n" % number,
    welcome=b" 422 ",
    listing=b"NAMES\r\n",
    list_end=b" 366 ",
)
"""The greeting ends with 422 where there is no message of the day (RFC 2812 section 5.2)."""

_SETTINGS = """\
[Global]
Name = irc.benchmark.test
Info = benchmark
Listen = {here}
Ports = {port}
MotdFile = /dev/null/none
[Limits]
MaxConnections = 0
MaxConnectionsIP = 0
MaxJoins = 0
MaxPenaltyTime = 0
PingTimeout = 3600
[Options]
DNS = no
Ident = no
PAM = no
"""


@dataclass(frozen=True, slots=True)
class Ngircd:
    """Where the program is, and libraries of it that are nowhere else."""

    program: str
    libraries: str = ""

    def serving(self, directory: Path) -> AbstractContextManager[Server]:
        """Run it without what would slow it down: limits, look-ups, signs of life."""
        port = free_port()
        settings = directory / "ngircd.conf"
        settings.write_text(_SETTINGS.format(here=HERE, port=port), encoding="utf-8")
        command = (self.program, "--nodaemon", "--config", str(settings))
        return serving(command, port, directory / "ngircd.log", {"LD_LIBRARY_PATH": self.libraries})


def find_ngircd(directory: Path) -> Ngircd:
    """Find it, or unpack Debian's package into a directory.

    Nothing is installed: that would start a server, and it would stay.

    Raises:
        MachineUnfit: it is not there and cannot be had.
    """
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin"))
    if installed := shutil.which("ngircd", path=path):
        return Ngircd(installed)
    try:
        _call("apt-get", "download", *_PACKAGES, directory=directory)
        for package in directory.glob("*.deb"):
            _call("dpkg-deb", "--extract", package.name, ".", directory=directory)
    except FileNotFoundError:
        raise MachineUnfit("only Debian and its like have it as a package") from None
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        said = (error.stderr or b"").decode().strip()
        raise MachineUnfit(f"{said or error}; to have it: apt-get install ngircd") from None
    libraries = {str(library.parent) for library in directory.glob("usr/lib/**/*.so.*")}
    return Ngircd(str(directory / "usr/sbin/ngircd"), os.pathsep.join(sorted(libraries)))


def _call(*command: str, directory: Path) -> None:
    subprocess.run(command, cwd=directory, capture_output=True, check=True, timeout=_WITHIN)
