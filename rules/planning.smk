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


rule simulate_power:
    input:
        claims=config["claims"],
        code=code_behind("simulate_power.py"),
    output:
        table="<results>/{study}/power/{raters}x{posts}.csv",
    log:
        "<logs>/simulate_power/{study}.{raters}x{posts}.log",
    benchmark:
        "<benchmarks>/simulate_power/{study}.{raters}x{posts}.tsv"
    wildcard_constraints:
        study=one_of(COMPARED),
        raters="[0-9]+",
        posts="[0-9]+",
    conda:
        "../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime="6h",
    params:
        model=lookup("studies/{study}/models/deciding", within=config),
        sources=lookup("studies/{study}/sources", within=config),
        inference=lookup("studies/{study}/inference", within=config),
        planning=lookup("{study}", within=OF_CELLS),
    message:
        "{wildcards.study}: simulating studies of {wildcards.raters} raters and {wildcards.posts} posts"
    script:
        "../scripts/simulate_power.py"


rule gather_power:
    input:
        cells=power_tables,
        code=code_behind("gather_power.py"),
    output:
        table="<results>/{study}/power.csv",
    log:
        "<logs>/gather_power/{study}.log",
    benchmark:
        "<benchmarks>/gather_power/{study}.tsv"
    wildcard_constraints:
        study=one_of(COMPARED),
    conda:
        "../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    message:
        "{wildcards.study}: gathering the probability of each verdict"
    script:
        "../scripts/gather_power.py"


rule simulate_recovery:
    input:
        code=code_behind("simulate_recovery.py"),
    output:
        table="<results>/{study}/recovery/{kind}.{job}of{jobs}.csv",
    log:
        "<logs>/simulate_recovery/{study}.{kind}.{job}of{jobs}.log",
    benchmark:
        "<benchmarks>/simulate_recovery/{study}.{kind}.{job}of{jobs}.tsv"
    wildcard_constraints:
        study=one_of(COMPARED),
        kind="[a-z]+",
        job="[0-9]+",
        jobs="[0-9]+",
    conda:
        "../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime="6h",
    params:
        name=recovered_name,
        model=recovered_model,
        data_sets=recovered_sets,
        sources=lookup("studies/{study}/sources", within=config),
        inference=lookup("studies/{study}/inference", within=config),
        planning=lookup("{study}", within=OF_SETS),
    message:
        "{wildcards.study}: fitting data of known truth ({wildcards.kind}, {wildcards.job} of {wildcards.jobs})"
    script:
        "../scripts/simulate_recovery.py"


rule gather_recovery:
    input:
        sets=recovery_tables,
        code=code_behind("gather_recovery.py"),
    output:
        table="<results>/{study}/recovery.csv",
    log:
        "<logs>/gather_recovery/{study}.log",
    benchmark:
        "<benchmarks>/gather_recovery/{study}.tsv"
    wildcard_constraints:
        study=one_of(COMPARED),
    conda:
        "../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    message:
        "{wildcards.study}: comparing what was recovered with what was put in"
    script:
        "../scripts/gather_recovery.py"


rule power:
    input:
        expand("<results>/{study}/power.csv", study=COMPARED),


rule recovery:
    input:
        expand("<results>/{study}/recovery.csv", study=COMPARED),
