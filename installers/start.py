"""Where both installed programs begin; which of the two it is decides what main() can do."""

import sys

from starpad.__main__ import main

sys.exit(main())
