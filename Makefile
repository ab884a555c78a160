# The two commands: `make report` and `make test`. Each does all the set-up that is missing first.
#
#   make report CONFIG=configs/smoke.yaml CORES=2 ARGS="--forcerun render_report"
#
# CONFIG  the run's config; left out: config.yaml
# CORES   cores for Snakemake; all
# ACCEL   cpu or cuda: the build of torch that set-up takes; left out: the one that is there, else cpu
# ARGS    anything else for snakemake, or for pytest

SHELL := bash
.DEFAULT_GOAL := help
.PHONY: help report plan test test-runs test-all lint setup locks clean config
.NOTPARALLEL:

CONFIG ?=
CORES ?= all
ACCEL ?=
ARGS ?=

VENV := $(CURDIR)/.venv/bin
IN_VENV := PATH="$(VENV):$$PATH"
WITH_CONFIG := $(if $(CONFIG),--configfile $(CONFIG))
PYTEST := pytest --numprocesses auto --maxprocesses 4 --dist loadscope
OF_CONFIG := $(IN_VENV) python scripts/print_setting.py $(or $(CONFIG),config.yaml)

help:
	@echo "make report     from nothing to results/RUN/report/report.html (CONFIG=configs/NAME.yaml, CORES=all, ACCEL=cpu|cuda)"
	@echo "make plan       what the run would cost: responses, tokens, hours, money, disk (CONFIG=configs/NAME.yaml)"
	@echo "make test       lint, then the unit tests, a smoke run and a study of ratings alone"
	@echo "make test-runs  whole runs of other kinds: cut short, frozen, of hostile people, with models that fail"
	@echo "make test-all   lint, then all tests"
	@echo "make lint       ruff, snakefmt and snakemake --lint"
	@echo "make setup      only install what is missing: R and its packages, and .venv"
	@echo "make clean      remove what runs made; spares cache/, private/ and data/"
	@echo "make locks      resolve envs/requirements.in anew"

report: config setup
	@cache="$$($(OF_CONFIG) cache cache)" && \
		$(IN_VENV) python scripts/unlock.py --cache "$$cache" -- snakemake $(WITH_CONFIG)
	@$(IN_VENV) snakemake --cores $(CORES) --no-hooks $(WITH_CONFIG) $(ARGS)
	@report="results/$$($(OF_CONFIG) run)/report/report.html"; test ! -f "$$report" || echo "The report: $$report"

plan: config setup
	@$(IN_VENV) python scripts/plan_run.py $(or $(CONFIG),config.yaml)

test: lint
	@$(IN_VENV) $(PYTEST) -m "not slow" $(ARGS) tests/unit
	@$(IN_VENV) $(PYTEST) -m "not slow and not own_run" $(ARGS) tests/workflow

test-runs: setup
	@$(IN_VENV) $(PYTEST) -m "own_run and not slow" $(ARGS) tests/workflow

test-all: lint
	@$(IN_VENV) $(PYTEST) $(ARGS) tests/unit
	@$(IN_VENV) $(PYTEST) $(ARGS) tests/workflow

lint: setup
	@$(IN_VENV) ruff check .
	@$(IN_VENV) ruff format --check .
	@$(IN_VENV) snakefmt --check Snakefile rules
	@$(IN_VENV) snakemake --lint

config:
	@$(if $(CONFIG),test -f "$(CONFIG)" || { echo "No such file: $(CONFIG). There are:" configs/*.yaml >&2; exit 2; },:)

setup:
	@ACCEL="$(ACCEL)" bash envs/setup.sh

locks: setup
	@$(VENV)/python envs/lock.py

clean:
	rm -rf results logs benchmarks simulated .snakemake
