"""How a script runs inside a rule: output to the rule's log, progress on the screen, bad input as one line."""

import contextlib
import errno
import os
import signal
import sys
import threading
import time

from empathic.errors import InputError

EVERY_S = 10.0
STOPPED = (signal.SIGINT, signal.SIGTERM)  # by a person, or by Snakemake


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
        for place in (2, self._screen):
            # A closed terminal, or a full disk under the log, must not stop hours of work or hide why it stopped.
            with contextlib.suppress(OSError):
                os.write(place, text.encode())


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


def end_with_parent() -> None:
    """End this process when its parent dies: a script whose Snakemake was killed would go on for hours otherwise."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def in_child(rule: Rule) -> None:
    """Go on in a child process, while this one waits for it and ends as it does.

    A library in another language that crashes, or a process that the system kills for its memory, takes Python with
    it: then the one that waits says which study and model, or source, it was. To be called before R, or any thread, is
    started.
    """
    child = os.fork()
    if child == 0:
        end_with_parent()
        return
    end_with_parent()  # and with it the child
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if -code not in STOPPED and code < 0:
        names = ", ".join(f"{name} '{value}'" for name, value in rule.wildcards.items())
        rule.say(f"{names}: {_died(-code)}")
    os._exit(code if code >= 0 else 128 - code)  # as a shell has it


def _died(number: int) -> str:
    """What to make of a process that a signal ended."""
    name = signal.Signals(number).name
    if number == signal.SIGKILL:
        return (
            f"this job was killed ({name}), most likely by the system, for want of memory. Run fewer jobs at once "
            "(`--cores`) or give this one more memory, then start the same command again. Other jobs are not concerned."
        )
    return (
        f"this job died ({name}); what it printed last is in the log. Start the same command again; if it dies again, "
        "take terms out of the formula of a model of ratings, or reinstall what it ran in (R or torch, and their "
        "packages). Other jobs are not concerned."
    )


@contextlib.contextmanager
def running(snakemake, *, network: bool = False, apart: bool = False):
    """Give the rule to its script, with all that is printed, by R and child processes too, in the rule's log.

    network: whether the script may reach a model hub (the fetch rule alone). apart: whether the script runs in a child
    process, so that its death by a signal is reported (`in_child`).

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
        if apart:
            in_child(rule)
        try:
            yield rule
        except InputError as error:
            rule.say(str(error))
            sys.exit(1)
        except Exception as error:
            if _is_of_a_full_disk(error):
                rule.say(_full(error))
                sys.exit(1)
            rule.say(f"stopped by {type(error).__name__}: {error}; the traceback is in {snakemake.log[0]}")
            raise


def _is_of_a_full_disk(error: Exception) -> bool:
    # Libraries in other languages raise errors of their own, with the system's words.
    return getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or os.strerror(errno.ENOSPC) in str(error)


def _full(error: Exception) -> str:
    place = getattr(error, "filename", None) or "a file of this rule"
    return f"{place}: no space left on the disk. Free some space, then start the same command again; nothing is lost."
