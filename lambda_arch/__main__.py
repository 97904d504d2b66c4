"""``python -m lambda_arch``."""

import sys

from lambda_arch.cli.main import main

sys.exit(main())
