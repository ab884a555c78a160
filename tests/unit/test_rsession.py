import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest

from empathic import rsession

SCRIPTS = Path(__file__).parents[2] / "scripts"

# A crossed design whose orderings tie. Started as it comes, R takes AMD at about half of its starts.
ORDERING = """
from empathic import rsession
print(rsession.robjects().r('''
  suppressPackageStartupMessages(library(lme4))
  rows <- expand.grid(rater = factor(1:12), post = factor(1:6), source = factor(1:3))
  rows$y <- (7 * as.integer(rows$rater) + 3 * as.integer(rows$post) + as.integer(rows$source)) %% 5
  names <- c("natural", "given", "AMD", "METIS", "NESDIS", "COLAMD", "postordered")
  fit <- suppressMessages(lmer(y ~ source + (1 | rater:source) + (1 | rater) + (1 | post), rows))
  names[getME(fit, "L")@type[1] + 1]
''')[0])
"""

GAPS = """
import mmap
full = [mmap.mmap(-1, (1 + n % 5) << 20) for n in range(200)]
del full[::3]
"""


def python(code, **environment):
    """Run Python anew, with R not yet started."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(SCRIPTS), **environment},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("before", ["", GAPS], ids=["alone", "with gaps"])
def test_every_start_of_r_orders_the_random_effects_alike(before):
    assert [python(before + ORDERING).stdout.split()[-1] for _ in range(2)] == ["AMD"] * 2


def test_numbers_stay_what_they_are_when_r_collects_its_garbage():
    r = rsession.robjects().r
    found = rsession.python(r("list(vector = as.numeric(1:100000), matrix = matrix(as.numeric(1:6), 2))"))
    gc.collect()
    r("for (i in 1:20) { other <- rnorm(100000); invisible(gc()) }")
    assert (found["vector"] == range(1, 100001)).all()
    assert found["matrix"].tolist() == [[1, 3, 5], [2, 4, 6]]


@pytest.mark.parametrize("given", [None, "/nowhere"], ids=["unset", "set"])
def test_programs_started_after_r_look_for_their_libraries_where_they_did_before(given):
    code = "import os; from empathic import rsession; rsession.robjects(); os.execvp('printenv', ['printenv'])"
    listed = python(code, **({"LD_LIBRARY_PATH": given} if given else {})).stdout.splitlines()
    found = [line for line in listed if line.startswith("LD_LIBRARY_PATH=")]

    assert any(line.startswith("R_HOME=") for line in listed), "R did start"
    assert found == ([f"LD_LIBRARY_PATH={given}"] if given else [])


def test_a_missing_r_is_named_with_the_commands_that_install_it(tmp_path):
    done = python("from empathic import mixed; mixed.parse('y ~ x')", PATH=str(tmp_path), R_HOME="")
    assert done.stderr.strip().splitlines()[-1] == (
        "empathic.errors.InputError: R: not found on PATH. Install it: "
        "`apt-get install --no-install-recommends r-base-core` (as root), or `conda install -c conda-forge r-base`."
    )


def test_a_missing_r_package_is_named_with_the_commands_that_install_it(tmp_path):
    found = subprocess.run(
        ["Rscript", "-e", "cat(.Library, .libPaths(), sep = '\\n')"], capture_output=True, text=True, check=True
    )
    base, *libraries = map(Path, found.stdout.split())
    if (base / "emmeans").exists():
        pytest.skip("emmeans lies in R's own library, which is always searched")
    for library in libraries:
        for package in library.iterdir():
            link = tmp_path / package.name
            if package.name != "emmeans" and not link.exists():
                link.symlink_to(package)
    hidden = dict.fromkeys(["R_LIBS", "R_LIBS_SITE", "R_LIBS_USER"], str(tmp_path))
    last = python("from empathic import mixed; mixed.parse('y ~ x')", **hidden).stderr.strip().splitlines()[-1]
    assert last.startswith("empathic.errors.InputError: R: R version ")
    assert last.endswith(
        " lacks emmeans. Install what is missing: "
        "`apt-get install --no-install-recommends r-base-core r-cran-emmeans` (as root), "
        "or `conda install -c conda-forge r-base r-emmeans`."
    )


def test_what_nothing_uses_any_more_is_given_back():
    r = rsession.robjects().r
    make = r("function() { made <- new.env(); reg.finalizer(made, function(e) gone <<- TRUE); list(model = made) }")
    r("gone <- FALSE")
    model = rsession.call(make).rx2("model")
    rsession.give_back()
    assert not r("gone")[0]
    del model
    rsession.give_back()
    assert r("gone")[0]
