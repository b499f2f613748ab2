"""``python -m scripts.write_reference``: write the reference to build/docs and build the site in site/."""

from __future__ import annotations

import sys

from scripts.write_reference.samples import SampleError
from scripts.write_reference.site import ROOT, build, reference, write


def main() -> int:
    """Returns the exit code."""
    config = ROOT / "build" / "zensical.toml"
    try:
        write(reference(), ROOT / "build" / "docs", config)
    except SampleError as error:
        print(error, file=sys.stderr)
        return 1
    return build(config, ROOT / "site")


if __name__ == "__main__":
    sys.exit(main())
