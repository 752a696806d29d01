"""Runs a command in a process group of its own and ends the whole group with its parent.

    supervise.py COMMAND [ARGUMENT...]

Standard input is the leash: the line `stop` ends the group politely, any other end of the input (the parent closed it,
died or was killed) ends it at once. Nothing the command started can outlive the process that holds the other end.
"""

import os
import signal
import subprocess
import sys
import threading

POLITE_SECONDS = 10


def end_group(child: subprocess.Popen, how: signal.Signals) -> None:
    """Sends a signal to every process of the child's group; a group that is gone already is fine."""
    try:
        os.killpg(child.pid, how)
    except ProcessLookupError:
        pass


def stop_politely(child: subprocess.Popen) -> None:
    """Asks the group to end, and insists after a while."""
    end_group(child, signal.SIGTERM)
    try:
        child.wait(POLITE_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    end_group(child, signal.SIGKILL)


def hold_leash(child: subprocess.Popen) -> None:
    """Waits for the parent's word, or for its end."""
    word = sys.stdin.readline()
    if word == "stop\n":
        stop_politely(child)
    end_group(child, signal.SIGKILL)


def main() -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)
    signal.signal(signal.SIGTERM, lambda *_: end_group(child, signal.SIGKILL))
    threading.Thread(target=hold_leash, args=(child,), daemon=True).start()
    code = child.wait()
    end_group(child, signal.SIGKILL)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    # os._exit: the thread may still be reading standard input, which an orderly exit would wait for.
    code = main()
    sys.stdout.flush()
    os._exit(code)
