"""`python -m vectornator`."""

import sys

from vectornator.cli import main

sys.exit(main())
