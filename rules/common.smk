import ast
import functools

from empathic import claimfile, device, freezing
from empathic.declared import usual_sets
from empathic.tables import OF_A_FIT

RESULTS = f"results/{config['run']}"
SIMULATED = f"simulated/{config['run']}"


pathvars:
    results=RESULTS,
    simulated=SIMULATED,
    logs=f"logs/{config['run']}",
    benchmarks=f"benchmarks/{config['run']}",


STUDIES = config["studies"]
SOURCES = config["sources"]
WITH_TEXTS = [name for name, study in STUDIES.items() if settings.has_texts(study)]
FROZEN = [name for name, study in STUDIES.items() if study["frozen"]]
ANSWERED_HERE = [name for name in WITH_TEXTS if name not in FROZEN]
FITTED = {name: {**study["models"], **study["robustness"]} for name, study in STUDIES.items()}
RATED = [name for name, study in STUDIES.items() if settings.is_rated(study)]
# Features are set against ratings of people alone: simulated raters do not read.
STYLE_RATED = [name for name in WITH_TEXTS if settings.has_real_ratings(STUDIES[name])]

# Negative binomial models of counts take minutes for each, and are fitted where a config asks for them.
COUNT_MODELLED = [name for name in WITH_TEXTS if STUDIES[name]["style"]["count_models"]]


wildcard_constraints:
    study="|".join(STUDIES),
    source="|".join(SOURCES),
    model="[a-z0-9_]+",
    shard="[0-9]+",
    shards="[0-9]+",


@functools.cache
def imports_of(file):
    """The modules of ours that a file imports itself. Read from its text alone, as every start of Snakemake waits for this."""
    names = []
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    dotted = [name.split(".") for name in names]
    stems = {SCRIPTS.joinpath(*parts[:depth]) for parts in dotted for depth in range(1, len(parts) + 1)}
    places = [place for stem in stems for place in (stem.with_suffix(".py"), stem / "__init__.py")]
    return [place for place in places if place.is_file()]


def code_behind(script):
    """The modules of ours that a script imports, directly or through others: editing one reruns the rule."""
    found, waiting = set(), [SCRIPTS / script]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting += imports_of(file)
    return sorted(str(file.relative_to(ROOT)) for file in found)


def one_of(names):
    """The pattern of a wildcard that stands for these names alone."""
    return "|".join(names) or "(?!)"


def sources_of(study, *kinds):
    """The sources of a study that are of these kinds, in the config's order."""
    return [source for source in STUDIES[study]["sources"] if SOURCES[source]["kind"] in kinds]


def of_kind(kind):
    """The names of the sources of a kind, as a wildcard is held to them."""
    return one_of(source for source in SOURCES if SOURCES[source]["kind"] == kind)


def generated_in(study):
    """The sources of a study whose responses are made in the run, here or by an API."""
    return sources_of(study, *settings.GENERATED)


def fits():
    """One (study, model) a fit."""
    return [(study, model) for study in RATED for model in STUDIES[study]["models"]]


def robustness_fits():
    """One (study, model) a fit of the models that show how much hangs on the deciding one."""
    return [(study, model) for study in RATED for model in STUDIES[study]["robustness"]]


def tables():
    """Every table and text that a report may read, as the config asks for them."""
    made = [f"{RESULTS}/rules.csv"]
    made += expand(f"{RESULTS}/{{study}}/{{table}}.csv", study=WITH_TEXTS, table=["posts", "responses"])
    made += expand(f"{RESULTS}/{{study}}/{{table}}.csv", study=WITH_TEXTS, table=["quality", "quality_responses"])
    made += expand(f"{RESULTS}/{{study}}/style/{{table}}.csv", study=WITH_TEXTS, table=STYLE_TABLES)
    made += [f"{RESULTS}/{study}/style/ratings.csv" for study in STYLE_RATED]
    made += [f"{RESULTS}/{study}/style/count_models.csv" for study in COUNT_MODELLED]
    made += [f"{RESULTS}/{study}/generations/{source}.jsonl" for study in WITH_TEXTS for source in generated_in(study)]
    made += expand(f"{RESULTS}/{{study}}/{{table}}.csv", study=RATED, table=["raters", "ratings", "flow", *COUNTS])
    made += expand(f"{RESULTS}/{{study}}/{{table}}.csv", study=RATED, table=DESCRIBED)
    made += [f"{RESULTS}/{study}/models/{model}/{file}" for study, model in fits() for file in FIT_FILES]
    if "robustness" in config["report"]["include"]:
        made += expand(f"{RESULTS}/{{study}}/{{table}}.csv", study=RATED, table=["leave_one_out", "multiverse"])
    planned = [table for table in ("power", "recovery") if table in config["report"]["include"]]
    made += expand(f"{RESULTS}/{{study}}/{{table}}.csv", study=COMPARED, table=planned)
    if config["claims"]:
        made += expand(f"{RESULTS}/{{table}}.csv", table=["claims", "claims_components", "claims_by_model"])
    return made


DESCRIBED = ["assignment/positions", "assignment/responses", "assignment/raters"]
DESCRIBED += ["reliability/agreement", "reliability/scales", "reliability/scale_use"]
STYLE_TABLES = ["features", "summary", "contrasts", "classifier", "distinctive", "repeated", "likeness"]
COUNTS = ["counts", "count_tests"]
FIT_FILES = [*(Path(table.path).name for table in OF_A_FIT.values()), "fit.json", "model.R"]


def gpus(wildcards):
    """How many GPUs a generation job asks for."""
    return int(generation_settings(wildcards)["device"] == "cuda")


def generation_settings(wildcards):
    """A source's settings apart from its title and price, which change no text; `device: auto` is settled."""
    source = SOURCES[wildcards.source]
    if source.get("device") == device.AUTO:
        if workflow.remote_exec or not workflow.local_exec:
            raise WorkflowError(
                f"sources > {wildcards.source}: device: auto is what this machine has, and its jobs run on others; say cpu "
                "or cuda, as texts of the two differ."
            )
        source = device.settled(source)
    return {key: value for key, value in source.items() if key not in ("title", "price_per_million")}


def redraw_of(wildcards):
    """What a source does with a response outside the words that the study asks for."""
    return settings.redraw(SOURCES[wildcards.source], STUDIES[wildcards.study])


def shards_of(wildcards):
    """The shards of a source, like 1of1."""
    shards = SOURCES[wildcards.source].get("shards", 1)
    return [f"{shard}of{shards}" for shard in range(1, shards + 1)]


def generated_sources(wildcards):
    """The sources of a study whose responses are made in the run."""
    return generated_in(wildcards.study)


def generations_of(wildcards):
    """What they generated: one file a source."""
    return expand(
        "{results}/{study}/generations/{source}.jsonl",
        results=RESULTS,
        study=wildcards.study,
        source=generated_sources(wildcards),
    )


def liwc_dictionary_of(wildcards):
    """A replicator's LIWC dictionary, where the study has one."""
    return STUDIES[wildcards.study]["style"]["liwc_dictionary"] or []


def liwc_results_of(wildcards):
    """What LIWC-22 counted, where the study has it."""
    return STUDIES[wildcards.study]["style"]["liwc_results"] or []


def encoder_of(wildcards):
    """The manifest of the encoder of sentences, where the study has one."""
    encoder = STUDIES[wildcards.study]["style"]["embeddings"]
    return f"{RESULTS}/models/{encoder}.json" if encoder else []


def kinds_of(wildcards):
    """The kind of each source of a study, in the config's order."""
    return {source: SOURCES[source]["kind"] for source in STUDIES[wildcards.study]["sources"]}


def written_files(wildcards):
    """For each source of a study whose responses come from a file: that file, with its origin, and the kind."""
    written = sources_of(wildcards.study, "human", "archived")
    return {
        source: {**SOURCES[source]["responses"][wildcards.study], "kind": SOURCES[source]["kind"]}
        for source in written
        if wildcards.study in SOURCES[source]["responses"]
    }


def written_responses(wildcards):
    """The files of responses that were written elsewhere, by people or models."""
    return [written["file"] for written in written_files(wildcards).values()]


def makers_of(wildcards):
    """How the sources of a study write, as far as a text depends on it."""
    return freezing.makers(STUDIES[wildcards.study]["sources"], SOURCES, config["models"])


def said_of_texts(wildcards, keys):
    """What the config says of the files of posts and responses that it names for a study."""
    posts = STUDIES[wildcards.study]["posts"]
    given = {"posts": posts} if posts else {}
    given |= {f"responses of {source}": written for source, written in written_files(wildcards).items()}
    return {name: {key: said[key] for key in keys if key in said} for name, said in given.items()}


def declared_with_texts(wildcards):
    """Those files, each with what decides about the texts."""
    return said_of_texts(wildcards, ["file", "origin", "per_domain"])


def rights_to_texts(wildcards):
    """By what right each of those files is here, and whether it may be passed on."""
    return said_of_texts(wildcards, ["rights", "share"])


def given_with_texts(wildcards):
    """All files that are compared with those at freezing: posts, responses, prompts."""
    given = [said["file"] for said in declared_with_texts(wildcards).values()]
    given += [maker["prompt"] for maker in makers_of(wildcards).values() if "prompt" in maker]
    return sorted(set(given))


def declared_files(wildcards):
    """The files that declare what is asked and claimed before there are ratings."""
    ratings = STUDIES[wildcards.study]["ratings"]
    return [*config["claims"], *([ratings["instrument"]] if ratings else [])]


def frozen_files(wildcards):
    """The files of a frozen study that are there: thaw_texts says which ones are missing."""
    return files_below(STUDIES[wildcards.study]["frozen"])


def described_exports(wildcards):
    """The exports of a study and how to read them; those of simulated raters like any other."""
    ratings = STUDIES[wildcards.study]["ratings"]
    if ratings["simulate"]:
        given = [("SIMULATED_export.csv", "qualtrics"), ("SIMULATED_demographics.csv", "prolific")]
        return [
            {"file": f"{SIMULATED}/{wildcards.study}/{file}", "format": form, "columns": {}, "origin": "simulated"}
            for file, form in given
        ]
    of_no_concern = ("rights", "share")
    return [{key: export[key] for key in export if key not in of_no_concern} for export in ratings["exports"]]


def exports_of(wildcards):
    """The files of those exports."""
    return [export["file"] for export in described_exports(wildcards)]


def responses_of(wildcards):
    """The responses of a study, where it has texts."""
    return [f"{RESULTS}/{wildcards.study}/responses.csv"] if wildcards.study in WITH_TEXTS else []


def posts_of(wildcards):
    """The posts of a study, where it has texts."""
    return [f"{RESULTS}/{wildcards.study}/posts.csv"] if wildcards.study in WITH_TEXTS else []


def given_files():
    """What a person put in: data, prompts, instruments, claims."""
    given = [study["posts"]["file"] for study in STUDIES.values() if study["posts"]]
    given += [written["file"] for source in SOURCES.values() for written in source.get("responses", {}).values()]
    given += [source["prompt"] for source in SOURCES.values() if "prompt" in source]
    given += [study["ratings"]["instrument"] for study in STUDIES.values() if study["ratings"]]
    liwc = [STUDIES[study]["style"][key] for study in WITH_TEXTS for key in ("liwc_dictionary", "liwc_results")]
    given += [file for file in liwc if file]
    given += [file for study in FROZEN for file in files_below(STUDIES[study]["frozen"])]
    given += [export["file"] for study in RATED for export in STUDIES[study]["ratings"]["exports"]]
    return sorted({*given, *config["claims"]})


def files_below(folder):
    """All files of a folder, however deep; none where it is not there."""
    return sorted(str(file) for file in Path(folder).rglob("*") if file.is_file())


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


# Studies of one source compare nothing, and have nothing to plan.
COMPARED = [study for study in STUDIES if len(STUDIES[study]["sources"]) > 1]
PLANNING = {study: settings.planning(STUDIES[study], config["seed"]) for study in COMPARED}
# What changes a cell of the grid, and a data set of the recovery.
OF_CELLS = {
    study: {k: said[k] for k in said if k not in ("raters", "posts", "recovery")} for study, said in PLANNING.items()
}
OF_SETS = {
    study: {k: said[k] for k in said if k not in ("raters", "posts", "studies")} for study, said in PLANNING.items()
}
RECOVERED = {study: settings.recovered(STUDIES[study]) for study in COMPARED}


@functools.cache
def all_claims():
    """The run's claims, read once for all fits; none where a file is no claims file: the rule that decides says why."""
    try:
        return [claim for claims in claimfile.read_all(config["claims"]).values() for claim in claims]
    except InputError:
        return []


def claimed_sets(wildcards):
    """The sets of sources whose omnibus test a claim takes and the fit would not give by itself: others refit nothing."""
    study, model = STUDIES[wildcards.study], FITTED[wildcards.study][wildcards.model]
    usual = [set(chosen) for chosen in usual_sets(study["sources"], model["df"])]
    named = {
        tuple(source for source in study["sources"] if source in claim.sources)
        for claim in all_claims()
        if claim.study == wildcards.study and claim.omnibus and set(claim.sources) <= set(study["sources"])
    }
    return sorted(list(chosen) for chosen in named if set(chosen) not in usual)


def recovery_size(study, kind):
    """How many data sets of a kind are simulated."""
    return PLANNING[study]["recovery"]["ordinal_data_sets" if kind == "latent" else "data_sets"]


def recovery_tables(wildcards):
    """What the jobs of a study's recovery make."""
    made = []
    for kind in RECOVERED[wildcards.study]:
        jobs = min(PLANNING[wildcards.study]["recovery"]["jobs"], recovery_size(wildcards.study, kind))
        made += [f"{RESULTS}/{wildcards.study}/recovery/{kind}.{job}of{jobs}.csv" for job in range(1, jobs + 1)]
    return made


def power_tables(wildcards):
    """What the cells of a study's grid make."""
    grid = PLANNING[wildcards.study]
    return expand(
        "{results}/{study}/power/{raters}x{posts}.csv",
        results=RESULTS,
        study=wildcards.study,
        raters=grid["raters"],
        posts=grid["posts"],
    )


def recovered_name(wildcards):
    """The model that is fitted to data of a kind."""
    return RECOVERED[wildcards.study][wildcards.kind]


def recovered_model(wildcards):
    """The same, as the config declares it."""
    return STUDIES[wildcards.study]["models"][recovered_name(wildcards)]


def recovered_sets(wildcards):
    """How many data sets the jobs share."""
    return recovery_size(wildcards.study, wildcards.kind)
