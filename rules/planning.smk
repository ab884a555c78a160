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
