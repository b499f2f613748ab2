"""Run all tests: those on a real Active Directory beside all others, because they mostly wait for the server.

    python -m scripts.run_tests [processes for the others, or "auto"] [seed of the order, or "random"]

The others are shown as they run, what the first ones print comes at the end. The others give way to them: one process runs
all of the first ones, and would be the last to end. Ctrl-C reaches both, and both clean up. The order is shuffled, and the
same for a seed, so that a failure can be had again.
"""

from __future__ import annotations

import secrets
import subprocess
import sys
import tempfile


def main() -> int:
    """Returns what ``make`` takes for success or failure."""
    processes, seed = (*sys.argv[1:], *("auto", "1")[len(sys.argv) - 1 :])
    number = str(secrets.randbelow(2**32)) if seed == "random" else seed
    print(f"In the order of --randomly-seed={number}", flush=True)
    pytest = (sys.executable, "-m", "pytest", f"--randomly-seed={number}")
    with tempfile.TemporaryFile("w+") as printed:
        # One domain controller for all of them, so they run one after another.
        samba = subprocess.Popen([*pytest, "-m", "samba"], stdout=printed, stderr=subprocess.STDOUT)  # noqa: S603
        spread = ("-n", processes, "--dist", "loadfile", "--no-loadscope-reorder")
        others = subprocess.Popen(["nice", *pytest, *spread, "-m", "not samba"])  # noqa: S603, S607
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
