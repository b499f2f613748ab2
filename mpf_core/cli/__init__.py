"""``mpfctl``: the engine on the command line. Exit codes: 0 success, 1 errorContext, 2 usage, 3 output lost."""

from mpf_core.cli.group import cli, main

__all__ = ["cli", "main"]
