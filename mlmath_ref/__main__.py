"""``python -m mlmath_ref`` is ``mlmath``."""

import sys

from mlmath_ref.command import main

sys.exit(main())
