import sys
from modulefinder import ModuleFinder
from pathlib import Path

from snakemake.exceptions import WorkflowError

ROOT = Path(workflow.basedir)
SCRIPTS = ROOT / "scripts"
sys.path.insert(0, str(SCRIPTS))

from empathic import settings

if Path.cwd() != ROOT:
    raise WorkflowError(f"Snakemake runs from the checkout's root: cd {ROOT}, then start it again.")

try:
    config = settings.read(config)
except ValueError as mistakes:
    raise WorkflowError(str(mistakes))

RESULTS = f"results/{config['run']}"
SIMULATED = f"simulated/{config['run']}"


pathvars:
    results=RESULTS,
    simulated=SIMULATED,
    logs=f"logs/{config['run']}",
    benchmarks=f"benchmarks/{config['run']}",


STUDIES = config["studies"]
SOURCES = config["sources"]
WITH_TEXTS = [name for name, study in STUDIES.items() if study["posts"]]
RATED = [name for name, study in STUDIES.items() if study["ratings"]]


wildcard_constraints:
    study="|".join(STUDIES),
    source="|".join(SOURCES),
    model="[a-z0-9_]+",
    shard="[0-9]+",
    shards="[0-9]+",


def code_behind(script):
    """The modules of ours that a script imports, directly or through others: editing one reruns the rule."""
    finder = ModuleFinder(path=[str(SCRIPTS)])
    finder.run_script(str(SCRIPTS / script))
    files = (Path(module.__file__) for module in finder.modules.values() if module.__file__)
    return sorted(str(file.relative_to(ROOT)) for file in files)


def sources_of(study, kind):
    """The sources of a study that are of one kind, in the config's order."""
    return [source for source in STUDIES[study]["sources"] if SOURCES[source]["kind"] == kind]


def fits():
    """One (study, model) a fit."""
    return [(study, model) for study in RATED for model in STUDIES[study]["models"]]


def tables():
    """Every table and text that a report may read, as the config asks for them."""
    made = expand(f"{RESULTS}/{{study}}/{{table}}.csv", study=WITH_TEXTS, table=["posts", "responses"])
    made += expand(f"{RESULTS}/{{study}}/{{table}}.csv", study=WITH_TEXTS, table=["quality", "quality_responses"])
    made += expand(f"{RESULTS}/{{study}}/style/{{table}}.csv", study=WITH_TEXTS, table=["features", "summary"])
    made += [
        f"{RESULTS}/{study}/generations/{source}.jsonl"
        for study in WITH_TEXTS
        for source in sources_of(study, "transformers")
    ]
    made += expand(f"{RESULTS}/{{study}}/{{table}}.csv", study=RATED, table=["raters", "ratings", "flow"])
    made += [f"{RESULTS}/{study}/models/{model}/{file}" for study, model in fits() for file in FIT_FILES]
    if config["claims"] and RATED:
        made += expand(f"{RESULTS}/{{table}}.csv", table=["claims", "claims_components", "claims_by_model"])
    return made


FIT_FILES = ["fixed.csv", "random.csv", "tests.csv", "means.csv", "contrasts.csv", "fit.json", "model.R"]


def gpus(wildcards):
    """How many GPUs a generation job asks for."""
    return int(SOURCES[wildcards.source]["device"] == "cuda")


def generation_settings(wildcards):
    """A source's settings apart from its title, which changes no text."""
    return {key: value for key, value in SOURCES[wildcards.source].items() if key != "title"}


def shards_of(wildcards):
    """The numbers of a source's shards, from 1."""
    return range(1, SOURCES[wildcards.source]["shards"] + 1)


def generated_sources(wildcards):
    """The sources of a study whose responses are generated here."""
    return sources_of(wildcards.study, "transformers")


def generations_of(wildcards):
    """What they generated: one file a source."""
    return expand(
        "{results}/{study}/generations/{source}.jsonl",
        results=RESULTS,
        study=wildcards.study,
        source=generated_sources(wildcards),
    )


def kinds_of(wildcards):
    """The kind of each source of a study, in the config's order."""
    return {source: SOURCES[source]["kind"] for source in STUDIES[wildcards.study]["sources"]}


def written_files(wildcards):
    """For each source of a study whose responses come from a file: that file, with its origin."""
    return {source: SOURCES[source]["responses"][wildcards.study] for source in sources_of(wildcards.study, "human")}


def written_responses(wildcards):
    """The files of responses that people wrote."""
    return [written["file"] for written in written_files(wildcards).values()]


def described_exports(wildcards):
    """The exports of a study with format, columns and origin; those of simulated raters like any other."""
    ratings = STUDIES[wildcards.study]["ratings"]
    if ratings["simulate"]:
        file = f"{SIMULATED}/{wildcards.study}/SIMULATED_export.csv"
        return [{"file": file, "format": "qualtrics", "columns": {}, "origin": "simulated"}]
    return [{key: export[key] for key in ("file", "format", "columns", "origin")} for export in ratings["exports"]]


def exports_of(wildcards):
    """The files of those exports."""
    return [export["file"] for export in described_exports(wildcards)]


def responses_of(wildcards):
    """The responses of a study, where it has texts."""
    return [f"{RESULTS}/{wildcards.study}/responses.csv"] if wildcards.study in WITH_TEXTS else []


def given_files():
    """What a person put in: data, prompts, instruments, claims."""
    given = [study["posts"]["file"] for study in STUDIES.values() if study["posts"]]
    given += [written["file"] for source in SOURCES.values() for written in source.get("responses", {}).values()]
    given += [source["prompt"] for source in SOURCES.values() if "prompt" in source]
    given += [STUDIES[study]["ratings"]["instrument"] for study in RATED]
    given += [export["file"] for study in RATED for export in STUDIES[study]["ratings"]["exports"]]
    return sorted({*given, *config["claims"]})


def truths():
    """What simulated raters were simulated from."""
    return [f"{SIMULATED}/{study}/SIMULATED_truth.json" for study in RATED if STUDIES[study]["ratings"]["simulate"]]


def report_parts():
    """The report's source."""
    return sorted(str(file.relative_to(ROOT)) for file in (ROOT / "report").rglob("*") if file.is_file())


def commit_of(root):
    """The commit of a checkout and whether its tree was dirty; unknown (None) without git."""
    import subprocess

    def git(*words):
        return subprocess.run(["git", "-C", root, *words], capture_output=True, text=True, check=True).stdout.strip()

    try:
        return {"commit": git("rev-parse", "HEAD"), "dirty": bool(git("status", "--porcelain"))}
    except (OSError, subprocess.CalledProcessError):
        return {"commit": None, "dirty": None}
