"""Runs a command and writes what it took: timed.py RESULT.json COMMAND [ARGUMENT...]

RESULT.json then holds `seconds`, `peak_bytes` (the command's greatest resident memory) and `exit_code`. The start of the
command counts. Output and the environment are passed through.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

# Linux counts in KiB, macOS in bytes (getrusage(2) of each).
RSS_UNIT = 1 if sys.platform == "darwin" else 1024


def main() -> int:
    began = time.monotonic()
    child = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.monotonic() - began
    code = os.waitstatus_to_exitcode(status)
    result = {"seconds": seconds, "peak_bytes": usage.ru_maxrss * RSS_UNIT, "exit_code": code}
    Path(sys.argv[1]).write_text(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
