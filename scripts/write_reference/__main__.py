"""``python -m scripts.write_reference``: write the reference to build/docs and build the site in site/."""

from __future__ import annotations

import sys

from scripts.write_reference.diagrams import NoMermaidError, mermaid_script
from scripts.write_reference.samples import SampleError
from scripts.write_reference.site import ROOT, build, reference, write

#: What is got once for all builds, until `make clean`.
CACHE = ROOT / "build" / "cache"


def main() -> int:
    """Returns the exit code."""
    config = ROOT / "build" / "zensical.toml"
    try:
        pages = reference()
    except SampleError as error:
        print(error, file=sys.stderr)
        return 1
    try:
        mermaid = mermaid_script(CACHE)
    except NoMermaidError as error:
        print(f"{error}: browsers will need the internet to draw the site's diagrams.", file=sys.stderr)
        mermaid = None
    write(pages, ROOT / "build" / "docs", config, mermaid)
    return build(config, ROOT / "site")


if __name__ == "__main__":
    sys.exit(main())
