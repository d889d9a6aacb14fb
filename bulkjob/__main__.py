"""``python -m bulkjob`` is the same as ``bulkjob``."""

import sys

from bulkjob.cli import main

sys.exit(main())
