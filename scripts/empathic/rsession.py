"""R inside this process, by rpy2: started once, in a way that gives the same numbers at every start.

rpy2 starts R when it is imported, so it is imported here, inside functions, and nowhere else.
"""

import ctypes
import functools
import gc
import mmap
import os
import shutil
import sys
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from empathic.errors import InputError

APT = "apt-get install --no-install-recommends r-base-core"
CONDA = "conda install -c conda-forge r-base"
ANSWER = "function(run, ...) tryCatch(list(value = run(...)), error = function(e) list(error = conditionMessage(e)))"
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")  # of BLAS
HALF = 1 << 31
ROOM = 1 << 28  # bytes: more than R and its packages take
GAP = 1 << 40  # bytes: what lies between a process's libraries is less, the room below them is more
KEEP_PLACE = 0x100000  # Linux: MAP_FIXED_NOREPLACE
REFUSED = ctypes.c_void_p(-1).value
LIBRARIES = "LD_LIBRARY_PATH"


class RError(Exception):
    """R refused: its own message."""


@functools.cache
def robjects() -> ModuleType:
    """Start R: one BLAS thread unless the environment says otherwise, texts sorted by their bytes, times in UTC.

    It takes memory from the system in small steps (help page Memory), again unless the environment says otherwise: in a
    large fit that saves some 25 MB, beside the more than 100 that Python and pandas take.

    Raises InputError where there is no R.
    """
    for variable in THREADS:
        os.environ.setdefault(variable, "1")
    os.environ.setdefault("R_GC_MEM_GROW", "0")
    os.environ["TZ"] = "UTC"
    if not (shutil.which("R") or os.environ.get("R_HOME")):
        raise InputError("R", "not found on PATH", f"Install it: `{APT}` (as root), or `{CONDA}`")
    libraries = os.environ.get(LIBRARIES)
    import rpy2.robjects

    _restore(LIBRARIES, libraries)
    _steady_addresses()
    rpy2.robjects.r('invisible(Sys.setlocale("LC_COLLATE", "C"))')
    return rpy2.robjects


def functions(source: str, packages: Iterable[str]) -> Any:
    """R functions from their source, as attributes. Raises InputError where R or one of the packages is missing."""
    r = robjects().r
    missing = [name for name in packages if not r["requireNamespace"](name, quietly=True)[0]]
    if missing:
        raise InputError(
            "R",
            f"{r['R.version.string'][0]} lacks {', '.join(missing)}",
            f"Install what is missing: `{APT} {' '.join(f'r-cran-{name.lower()}' for name in missing)}` (as root), "
            f"or `{CONDA} {' '.join(f'r-{name.lower()}' for name in missing)}`",
        )
    from rpy2.robjects.packages import STAP

    return STAP(source, "empathic")


def call(function: Any, *arguments: Any) -> Any:
    """Call an R function and hand back R's own value. Raises RError with R's message."""
    found = _answer()(function, *arguments)
    sys.stdout.flush()  # what R printed went through Python
    if "error" in list(found.names):
        raise RError(" ".join(str(found.rx2("error")[0]).split()))
    return found.rx2("value")


def table(data: pd.DataFrame) -> Any:
    """A data frame of R: categories become factors, their levels in order."""
    robjects()
    from rpy2.robjects import conversion, default_converter, pandas2ri

    with (default_converter + pandas2ri.converter).context():
        return conversion.get_conversion().py2rpy(data)


def strings(values: Iterable[str]) -> Any:
    """A character vector of R."""
    return robjects().StrVector(list(values))


def texts(value: list[str] | None) -> list[str]:
    """A character vector of R, as `python` hands it over; an empty one is a list, too."""
    return [] if value is None else list(value)


def python(value: Any) -> Any:
    """R's lists as dict (named) or list, text vectors as lists (NA: None), other vectors and matrices as arrays."""
    module = robjects()
    if isinstance(value, type(module.NULL)):
        return None
    if isinstance(value, module.StrVector):
        return [None if text is module.NA_Character else str(text) for text in value]
    if isinstance(value, module.ListVector):
        items = [python(item) for item in value]
        named = not isinstance(value.names, type(module.NULL))
        return dict(zip(map(str, value.names), items, strict=True)) if named else items
    return np.array(value)  # a copy: R frees its own when nothing in R holds it, whoever looks at it from here


def let_go() -> None:
    """Leave to R those of its values that were had lately and that nothing here uses any more.

    rpy2's objects hold each other, and R's values with them, until Python looks for such circles: this takes no time.
    """
    gc.collect(1)


def give_back() -> None:
    """Give the system the memory of all that nothing uses any more, here and in R: a third of a second."""
    gc.collect()
    robjects().r["gc"]()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc alone
    if trim:
        trim(0)


@functools.cache
def _answer() -> Any:
    return robjects().r(ANSWER)


def _restore(variable: str, value: str | None) -> None:
    """Set a variable as it was before R started: with R first in it, another Python would find a wrong library."""
    if value is None:
        os.environ.pop(variable, None)
    else:
        os.environ[variable] = value


def _steady_addresses() -> None:
    """Have R's libraries loaded where CHOLMOD always takes its default ordering, AMD.

    The lme4 and Matrix of Debian 12 disagree on the layout of CHOLMOD's settings (cholmod_common): Matrix finds the
    lower half of an address where it looks for the number of orderings to try. Negative, CHOLMOD takes its default;
    positive, it compares all, and a tie may go to another one. So bit 31 of where the loader happens to put a library,
    new at each start, decided on rounding, and by it on where the optimizer stops: up to 1e-4 of a standard error,
    from one run to the next (measured: 12 of 12 starts follow the bit). Address space, not memory, is set aside: each
    gap between what is loaded already, then, from the top of the room below, until the bit is set in a place that holds
    all of R. fit.json names the ordering that was taken. Elsewhere this does no harm.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    alone = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    for start, end in _gaps():
        libc.mmap(start, end - start, 0, alone | KEEP_PLACE, -1, 0)
    while (place := libc.mmap(None, ROOM, 0, alone, -1, 0)) != REFUSED:
        if place & HALF and (place + ROOM - 1) & HALF:
            libc.munmap(place, ROOM)
            break


def _gaps() -> list[tuple[int, int]]:
    """Where nothing is mapped between libraries, from and to: without the room below them and that of the stack."""
    maps = Path("/proc/self/maps").read_text(encoding="utf-8").partition("[stack]")[0].splitlines()[:-1]
    taken = [[int(edge, 16) for edge in line.split(maxsplit=1)[0].split("-")] for line in maps]
    return [(end, start) for (_, end), (start, _) in pairwise(taken) if 0 < start - end < GAP]
