"""Runs one command and prints what it cost: wall and CPU seconds, MiB at its peak.

A process of its own, and a small one: the peak of a child begins with that of its parent.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

began = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
wall = time.perf_counter() - began
process.returncode = os.waitstatus_to_exitcode(status)
print(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
sys.exit(process.returncode)
