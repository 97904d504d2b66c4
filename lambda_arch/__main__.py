"""``python -m lambda_arch``."""

from lambda_arch.cli.main import main

main()
