"""``python -m lambda_arch``, and the installed command."""

import sys


def run() -> int:
    """Run the command line; Ctrl-C ends it quietly even while it is still being imported."""
    try:
        from lambda_arch.cli.main import main

        return main()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(run())
