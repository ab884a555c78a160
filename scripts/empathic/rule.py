"""How a script runs inside a rule: output to the rule's log, progress on the screen, bad input as one line."""

import contextlib
import errno
import os
import sys
import time

from empathic.errors import InputError

EVERY_S = 10.0


class Rule:
    """What a script sees of its rule: Snakemake's own object, and a way to speak to the person who watches."""

    def __init__(self, snakemake, screen: int) -> None:
        self._snakemake = snakemake
        self._screen = screen

    def __getattr__(self, name: str):
        return getattr(self._snakemake, name)

    def say(self, line: str) -> None:
        """Write one line to the rule's log and to the screen."""
        text = f"{self._snakemake.rule}: {line}\n"
        os.write(2, text.encode())
        # A closed terminal or pipe must not stop hours of work.
        with contextlib.suppress(OSError):
            os.write(self._screen, text.encode())


class Every:
    """Lets a line through at most once in so many seconds."""

    def __init__(self, seconds: float = EVERY_S) -> None:
        self._seconds = seconds
        self._last = time.monotonic()

    def __bool__(self) -> bool:
        now = time.monotonic()
        due = now - self._last >= self._seconds
        if due:
            self._last = now
        return due


@contextlib.contextmanager
def running(snakemake, *, network: bool = False):
    """Give the rule to its script, with all that is printed, by R and child processes too, in the rule's log.

    network: whether the script may reach a model hub (the fetch rule alone).

    An InputError ends the script with its message, in the log and on the screen, and so does a full disk; anything
    else keeps its traceback, in the log, and leaves one line on the screen.
    """
    if not network:
        os.environ["HF_HUB_OFFLINE"] = "1"
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(snakemake.threads)
    screen = os.dup(2)
    with open(snakemake.log[0], "w", buffering=1, encoding="utf-8") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        rule = Rule(snakemake, screen)
        try:
            yield rule
        except InputError as error:
            rule.say(str(error))
            sys.exit(1)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                rule.say(f"stopped by {type(error).__name__}: {error}; the traceback is in {snakemake.log[0]}")
                raise
            rule.say(_full(error))
            sys.exit(1)
        except Exception as error:
            rule.say(f"stopped by {type(error).__name__}: {error}; the traceback is in {snakemake.log[0]}")
            raise


def _full(error: OSError) -> str:
    place = error.filename or "a file of this rule"
    return f"{place}: no space left on the disk. Free some space, then start the same command again; nothing is lost."
