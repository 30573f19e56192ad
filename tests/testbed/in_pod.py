"""presync in a pod whose service account is mounted at another place, for tests.

Only root may write to the usual one, and every process of the machine would see it.
"""

from __future__ import annotations

import os
from pathlib import Path

from hook.cli import main
from hook.triggers import kubernetes

FOLDER_VARIABLE = "TESTBED_SERVICE_ACCOUNT"

if __name__ == "__main__":
    kubernetes.SERVICE_ACCOUNT = Path(os.environ[FOLDER_VARIABLE])
    main()
