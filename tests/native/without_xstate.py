"""Runs a program that is told that ptrace(2) knows nothing of a processor's extended state.

User-mode-linux has room for less of that state than some processors have (such as those with AMX),
and fails on these. Where it is told that there is none it saves the FPU and SSE registers alone.
"""

import ctypes
import errno
import os
import struct
import sys

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_LOAD, _SKIP_UNLESS_EQUAL, _RETURN = 0x20, 0x15, 0x06  # instructions of BPF
_NUMBER, _REQUEST, _KIND = 0, 16, 32  # in struct seccomp_data: the call, arguments 0 and 2
_PTRACE, _PTRACE_GETREGSET, _NT_X86_XSTATE = 101, 0x4204, 0x202  # on x86-64

_FILTER = (
    (_LOAD, 0, 0, _NUMBER),
    (_SKIP_UNLESS_EQUAL, 0, 5, _PTRACE),
    (_LOAD, 0, 0, _REQUEST),
    (_SKIP_UNLESS_EQUAL, 0, 3, _PTRACE_GETREGSET),
    (_LOAD, 0, 0, _KIND),
    (_SKIP_UNLESS_EQUAL, 0, 1, _NT_X86_XSTATE),
    (_RETURN, 0, 0, _ERRNO | errno.EIO),
    (_RETURN, 0, 0, _ALLOW),
)


def main() -> None:
    """Become the program that the arguments name."""
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in _FILTER))
    program = ctypes.create_string_buffer(struct.pack("@HP", len(_FILTER), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    for arguments in (
        (_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        (_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, program, 0, 0),
    ):
        if libc.prctl(*arguments) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
