"""Boots user-mode-linux, a kernel that is an ordinary process and has netem, and runs a program.

The kernel has this machine's files, and nothing else of it.
"""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

from peerlab.errors import MachineUnfit

KERNEL: Final = "linux.uml"
TOOLS: Final = (KERNEL, "insmod", "tc", "nsenter")
ROOT: Final = Path(__file__).resolve().parents[2]

TUNABLES: Final = "glibc.cpu.hwcaps=" + ",".join(
    f"-{name}"
    for name in (
        *("AVX", "AVX2", "AVX512F", "AVX512VL", "AVX512BW", "AVX_Fast_Unaligned_Load"),
        *("FMA", "XSAVE", "XSAVEC"),
    )
)
"""Keeps programs from registers that this kernel does not save: see `without_xstate.py`."""

_BOOTED_WITHIN: Final = 180.0
_INIT: Final = """\
#!/bin/sh
export PATH={path} HOME=/root GLIBC_TUNABLES={tunables} OPENSSL_ia32cap=0:0
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs run /run
modules=/usr/lib/uml/modules/$(uname -r)/kernel
insmod $modules/drivers/net/veth.ko
insmod $modules/net/sched/sch_netem.ko
ip link set lo up
cd {root}
{program} >{folder}/said 2>&1
echo $? >{folder}/status
echo o >/proc/sysrq-trigger
exec tail -f /dev/null
"""


def try_emulator() -> None:
    """Look whether there is such a kernel.

    Raises:
        MachineUnfit: there is none.
    """
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    missing = [tool for tool in TOOLS if shutil.which(tool, path=path) is None]
    if missing:
        raise MachineUnfit(
            f"this machine has no {' and no '.join(missing)}",
            hint="in Debian: `apt-get install user-mode-linux kmod iproute2 util-linux`",
        )


def run(program: Path, folder: Path) -> str:
    """Run a Python program in such a kernel, with the folder as its argument; what it printed."""
    init = folder / "init"
    command = [sys.executable, "-m", ".".join(program.relative_to(ROOT).with_suffix("").parts)]
    init.write_text(
        _INIT.format(
            path=shlex.quote(f"{Path(sys.executable).parent}:/usr/sbin:/usr/bin:/sbin:/bin"),
            tunables=TUNABLES,
            root=shlex.quote(str(ROOT)),
            program=shlex.join([*command, str(folder)]),
            folder=shlex.quote(str(folder)),
        )
    )
    init.chmod(0o755)
    boot = [KERNEL, "rootfstype=hostfs", "rw", "mem=768M", f"init={init}", "quiet"]
    boot += ["con=null", "con0=fd:0,fd:1", f"uml_dir={folder}/"]
    wrapper = Path(__file__).with_name("without_xstate.py")
    kernel = subprocess.Popen(
        [sys.executable, "-I", wrapper, *boot],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,  # so that it and what runs in it can be ended together
    )
    try:
        console, _ = kernel.communicate(timeout=_BOOTED_WITHIN)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"the kernel did not end: {_said(folder)}") from None
    finally:
        if kernel.poll() is None:
            os.killpg(kernel.pid, signal.SIGKILL)
            kernel.communicate()
    status = folder / "status"
    assert status.exists(), console
    assert status.read_text() == "0\n", _said(folder)
    return _said(folder)


def _said(folder: Path) -> str:
    said = folder / "said"
    return said.read_text(errors="replace") if said.exists() else ""
