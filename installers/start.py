"""Where both installed programs begin; which of the two it is decides what main() can do."""

import os
import sys

# A Windows program without a console has neither; what would be said there goes nowhere.
if sys.stdout is None:
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
if sys.stderr is None:
    sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115

from starpad.__main__ import main

sys.exit(main())
