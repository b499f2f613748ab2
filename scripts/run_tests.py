"""Run all tests: those on a real Active Directory beside all others, because they mostly wait for the server.

    python -m scripts.run_tests [processes for the others, or "auto"]

The others are shown as they run, what the first ones print comes at the end. Ctrl-C reaches both, and both clean up.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile

_PYTEST = (sys.executable, "-m", "pytest")


def main() -> int:
    """Returns what ``make`` takes for success or failure."""
    processes = sys.argv[1] if len(sys.argv) > 1 else "auto"
    with tempfile.TemporaryFile("w+") as printed:
        # One domain controller for all of them, so they run one after another.
        samba = subprocess.Popen([*_PYTEST, "-m", "samba"], stdout=printed, stderr=subprocess.STDOUT)  # noqa: S603
        others = subprocess.Popen([*_PYTEST, "-n", processes, "--dist", "loadfile", "-m", "not samba"])  # noqa: S603
        failed = [_end_of(process) != 0 for process in (others, samba)]
        printed.seek(0)
        print("\nOn a real Active Directory:", printed.read(), sep="\n", flush=True)
    return int(any(failed))


def _end_of(process: subprocess.Popen[bytes]) -> int:
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # the process has got it too, and ends by itself


if __name__ == "__main__":
    sys.exit(main())
