#!/usr/bin/env bash
# `make setup`: installs what this package needs and what is missing. R and its packages come first (from apt for root on
# Debian and Ubuntu; else an R that is there, else an active conda), then Python packages go into .venv, from the lock
# that R's version asks for. A second call finds all in place and does nothing.
#   ACCEL=cpu    (default) the CPU build of torch, where its index can be reached
#   ACCEL=cuda   the GPU build
#   PYTHON=...   a Python of one's own choice, 3.11 to 3.14
set -euo pipefail

R_PACKAGES=(lme4 lmerTest emmeans pbkrtest ordinal performance)
APT_PACKAGES=(r-base-core r-cran-lme4 r-cran-lmertest r-cran-emmeans r-cran-pbkrtest r-cran-ordinal r-cran-performance)
CONDA_PACKAGES=(r-base r-lme4 r-lmertest r-emmeans r-pbkrtest r-ordinal r-performance)

CPU_INDEX=${CPU_INDEX:-https://download.pytorch.org/whl/cpu}
TORCH=$(sed -n 's/^torch==\([0-9.]*\).*/\1/p' "$(dirname "${BASH_SOURCE[0]}")/requirements.in")
LOG=logs/setup.log
READY=.venv/.ready

# Measured on Linux x86-64 with Python 3.11; what must be free to install includes what pip unpacks.
SIZE_CPU="0.5 GB to download, 2 GB on the disk"
SIZE_CUDA="3 GB to download, 6 GB on the disk"
FREE_CPU_GB=3
FREE_CUDA_GB=10

say() { printf '%s\n' "$*"; }
stop() { { printf '\nset-up: '; printf '%s\n' "$@"; } >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }
root_with_apt() { [ "$(id -u)" = 0 ] && have apt-get; }

# ---- R

r_version() { R --version | sed -n '1s/^R[^0-9]*\([0-9.]*\).*/\1/p'; }

# What R lacks: names of packages, or R itself where there is none.
r_lacks() {
    if ! have R || ! have Rscript; then
        printf 'R %s' "${R_PACKAGES[*]}"
        return
    fi
    Rscript -e '
        wanted <- commandArgs(trailingOnly = TRUE)
        cat(wanted[!vapply(wanted, function(name) nzchar(system.file(package = name)), NA)])
    ' "${R_PACKAGES[@]}"
}

conda_command() {
    local name
    [ -n "${CONDA_PREFIX:-}" ] || return 1
    for name in mamba micromamba conda; do
        if have "$name"; then
            say "$name"
            return
        fi
    done
    return 1
}

apt_install() {
    local -x DEBIAN_FRONTEND=noninteractive LC_ALL=C
    say "Looking up what apt has ..."
    run_logged apt-get update || stop "apt-get update failed (see $LOG). Is there a network?"
    say "Installing from apt: $*"
    apt-get install --no-install-recommends --assume-no "$@" 2>/dev/null |
        sed -n -e 's/^Need to get /  to download: /p' -e 's/^After this operation, /  on the disk: /p' || true
    run_logged apt-get install --no-install-recommends --yes "$@" ||
        stop "apt could not install them (see $LOG). Try: apt-get install --no-install-recommends $*"
}

set_up_r() {
    local lacks conda
    lacks=$(r_lacks)
    [ -n "$lacks" ] || return 0
    say "R, or what it needs, is missing: $lacks."
    if root_with_apt; then
        apt_install "${APT_PACKAGES[@]}"
    elif conda=$(conda_command); then
        say "Installing from conda-forge into $CONDA_PREFIX (about 1 GB): ${CONDA_PACKAGES[*]}"
        run_logged "$conda" install --yes --prefix "$CONDA_PREFIX" --channel conda-forge "${CONDA_PACKAGES[@]}" ||
            stop "$conda could not install them (see $LOG)."
    fi
    hash -r
    lacks=$(r_lacks)
    [ -z "$lacks" ] || stop "R with lme4 and what goes with it is needed; missing: $lacks." "$(r_remedy)"
}

# The command that a person without root types, by what the machine has.
r_remedy() {
    local names
    if have R && have Rscript && { [ "$(id -u)" = 0 ] || ! have apt-get; }; then
        names=$(printf ', "%s"' "${R_PACKAGES[@]}")
        say "Type this, then make again:"
        say "    Rscript -e 'install.packages(c(${names#, }), repos = \"https://cloud.r-project.org\")'"
    elif have apt-get; then
        say "Type this, then make again:"
        say "    sudo apt-get install --no-install-recommends ${APT_PACKAGES[*]}"
        say "or, where nobody will do that for you, in a conda of your own:"
        conda_remedy
    else
        say "Type this, then make again (mamba and micromamba do as well):"
        conda_remedy
    fi
}

conda_remedy() {
    say "    conda create --name empathic --channel conda-forge ${CONDA_PACKAGES[*]} && conda activate empathic"
}

# ---- Python

# The lock for an R of this version.
lock_for() {
    local first
    first=$(printf '%s\n4.5\n' "$1" | sort -V | head -n 1)
    if [ "$first" = 4.5 ]; then say envs/requirements-r-4.5.txt; else say envs/requirements-r-below-4.5.txt; fi
}

# The first Python that torch has wheels for; the machine's own before others.
find_python() {
    local name
    for name in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.14}; do
        if have "$name" && "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null; then
            say "$name"
            return
        fi
    done
    return 1
}

make_venv() {
    local python
    if .venv/bin/python -c '' 2>/dev/null; then return; fi
    python=$(find_python) || stop "${PYTHON:-this} needs a Python from 3.11 to 3.14, and none is on the PATH." \
        "Debian 12, Ubuntu 24.04 or newer: apt-get install python3 python3-venv. Else see https://www.python.org/downloads."
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        root_with_apt || stop "$python cannot make virtual environments. Type: sudo apt-get install python3-venv"
        apt_install "$(basename "$(readlink -f "$(command -v "$python")")")-venv"
    fi
    rm -rf .venv
    "$python" -m venv .venv || stop "$python -m venv .venv failed; the message stands above."
}

# Sets pip's options for torch, and the sizes that go with them.
choose_torch() {
    size=$SIZE_CPU free_gb=$FREE_CPU_GB index=()
    [ "$(uname -s)" = Linux ] || return 0 # elsewhere there is one build
    if [ "$1" = cuda ]; then
        size=$SIZE_CUDA free_gb=$FREE_CUDA_GB
    elif reachable "$CPU_INDEX/torch/"; then
        index=(--extra-index-url "$CPU_INDEX")
    else
        say "  torch's CPU index ($CPU_INDEX) is out of reach;"
        if .venv/bin/python -m pip index versions torch 2>/dev/null | grep "$TORCH+cpu" >/dev/null; then
            say "  where pip looks on this machine there is a CPU build of it, too."
        else
            size=$SIZE_CUDA free_gb=$FREE_CUDA_GB
            say "  pip's own index has the build for GPUs, which brings CUDA's libraries along and runs on a CPU as well."
        fi
    fi
}

reachable() { .venv/bin/python -c "import urllib.request as r; r.urlopen('$1', timeout=5)" 2>/dev/null; }

# The direct pins that are in this lock, and why each is there.
list_pins() {
    local pin why
    while read -r pin why; do
        if grep -q "^$pin\( \|$\)" "$1"; then
            why=${why#\# }
            printf '  %-28s%s\n' "$pin" "${why%  \[*}"
        fi
    done < <(grep "==" envs/requirements.in)
}

free_gb_here() { df -Pk . | awk 'NR == 2 { print int($4 / 1e6) }'; }

set_up_python() {
    local lock=$1 accel=$2 r=$3 size free_gb index
    make_venv
    say "Installing into .venv, with $(.venv/bin/python --version) and R $r:"
    list_pins "$lock"
    choose_torch "$accel"
    say "  and what these need: $(grep -c == "$lock") packages in all ($lock); $size."
    [ "$(free_gb_here)" -ge "$free_gb" ] ||
        stop "there are $(free_gb_here) GB free on this disk, and this takes $free_gb for a while. Make room, then make again."
    # pip holds a CPU build to be as good as any: to get the GPU build, it must go.
    if [ "$accel" = cuda ] && .venv/bin/python -m pip list 2>/dev/null | grep '^torch .*+cpu' >/dev/null; then
        .venv/bin/python -m pip uninstall --quiet --yes torch
    fi
    # rpy2's interface to R without compiled parts: it needs no compiler and no header, and holds for any R of its range.
    # It is never taken from pip's cache, where one may lie that was built against another R.
    export RPY2_CFFI_MODE=ABI
    run_logged .venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check \
        "$(grep -o '^rpy2-rinterface==[0-9.]*' "$lock")" || advise
    run_logged .venv/bin/python -m pip install --disable-pip-version-check ${index[@]+"${index[@]}"} -r "$lock" || advise
    say "Trying them ..."
    run_logged .venv/bin/python -c '
import bitsandbytes, rpy2.robjects, snakemake, torch, transformers
rpy2.robjects.r("suppressMessages(library(lme4))")
' || advise
}

# ---- Running and reporting

# Runs a command, its output in the log; says every 10 s how far it is.
run_logged() {
    local job from waited=0
    if [ -z "${log_begun:-}" ]; then
        mkdir -p "$(dirname "$LOG")"
        : >"$LOG"
        log_begun=yes
    fi
    printf '\n$ %s\n' "$*" >>"$LOG"
    from=$(wc -l <"$LOG")
    "$@" >>"$LOG" 2>&1 </dev/null &
    job=$!
    trap 'kill "$job" 2>/dev/null; exit 130' INT TERM # bash hides Ctrl-C from what runs in the background
    while kill -0 "$job" 2>/dev/null; do
        sleep 0.2
        waited=$((waited + 1))
        if [ $((waited % 50)) = 0 ]; then say "  $((waited / 5)) s: $(latest)"; fi
    done
    trap - INT TERM
    wait "$job"
}

latest() {
    local line
    line=$(tail -n "+$from" "$LOG" |
        grep -oE '(Collecting|Downloading|Installing collected packages|Unpacking|Setting up)( [^ ;<>=(]+)?' | tail -n 1)
    say "${line:-at work}"
}

advise() {
    tail -n 15 "$LOG" >&2
    if grep -q 'No space left on device' "$LOG"; then
        stop "the disk is full ($(free_gb_here) GB free here). Make room (pip unpacks in ${TMPDIR:-/tmp}), then make again."
    elif grep -qE 'NewConnectionError|NameResolutionError|ProxyError|SSLError|Temporary failure in name|Read timed out|Network is unreachable' "$LOG"; then
        stop "pip could not reach its index. Once there is a network, make again: what is there already is kept."
    fi
    stop "that failed; its end stands above, all of it in $LOG. Make again: what is there already is kept."
}

# What .venv was made from: it is made anew when this changes.
recipe() { printf '%s\n' "ACCEL=$2" "R $3" "$(cksum <"$1")"; }

main() {
    local accel lock r
    cd "$(dirname "${BASH_SOURCE[0]}")/.."
    PATH=${PATH//"$PWD/.venv/bin:"/} # not the Python that is to be made
    unset VIRTUAL_ENV PYTHONHOME PYTHONPATH

    accel=${ACCEL:-$(sed -n 's/^ACCEL=//p' "$READY" 2>/dev/null || true)}
    accel=${accel:-cpu}
    case $accel in cpu | cuda) ;; *) stop "ACCEL is cpu or cuda, not '$accel'." ;; esac

    set_up_r
    r=$(r_version)
    lock=$(lock_for "$r")
    if [ "$(recipe "$lock" "$accel" "$r")" = "$(cat "$READY" 2>/dev/null)" ] && .venv/bin/python -c '' 2>/dev/null; then
        return
    fi
    rm -f "$READY"
    set_up_python "$lock" "$accel" "$r"
    recipe "$lock" "$accel" "$r" >"$READY"
    say "Set up."
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then main; fi
