rule freeze_texts:
    input:
        posts="<results>/{study}/posts.csv",
        responses="<results>/{study}/responses.csv",
        generations=generations_of,
        given=given_with_texts,
        declared=declared_files,
        code=code_behind("freeze_texts.py"),
    output:
        receipt="<results>/{study}/freeze_receipt.json",
    log:
        "<logs>/freeze_texts/{study}.log",
    benchmark:
        "<benchmarks>/freeze_texts/{study}.tsv"
    wildcard_constraints:
        study=one_of(ANSWERED_HERE),
    conda:
        "../envs/posts.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime="10m",
    params:
        run=config["run"],
        seed=config["seed"],
        study=lookup("studies/{study}", within=config),
        claims=config["claims"],
        makers=makers_of,
        given=declared_with_texts,
        rights=rights_to_texts,
    message:
        "{wildcards.study}: freezing the texts, which people will rate"
    script:
        "../scripts/freeze_texts.py"


if FROZEN:

    rule thaw_texts:
        input:
            frozen=frozen_files,
            given=given_with_texts,
            code=code_behind("thaw_texts.py"),
        output:
            posts="<results>/{study}/posts.csv",
            responses="<results>/{study}/responses.csv",
        log:
            "<logs>/thaw_texts/{study}.log",
        benchmark:
            "<benchmarks>/thaw_texts/{study}.tsv"
        wildcard_constraints:
            study=one_of(FROZEN),
        conda:
            "../envs/posts.yaml"
        threads: 1
        resources:
            mem_mb=500,
            runtime="10m",
        params:
            folder=lookup("studies/{study}/frozen", within=config),
            makers=makers_of,
            given=declared_with_texts,
        message:
            "{wildcards.study}: checking the frozen texts"
        script:
            "../scripts/thaw_texts.py"

    rule thaw_records:
        input:
            # Not the records themselves: where a file is missing, it is thaw_texts that says so, and what to do.
            texts="<results>/{study}/responses.csv",
            code=code_behind("thaw_records.py"),
        output:
            records="<results>/{study}/generations/{source}.jsonl",
        log:
            "<logs>/thaw_records/{study}.{source}.log",
        benchmark:
            "<benchmarks>/thaw_records/{study}.{source}.tsv"
        wildcard_constraints:
            study=one_of(FROZEN),
        conda:
            "../envs/posts.yaml"
        threads: 1
        resources:
            mem_mb=500,
            runtime="10m",
        params:
            folder=lookup("studies/{study}/frozen", within=config),
        message:
            "{wildcards.study}: the records of {wildcards.source}, as frozen"
        script:
            "../scripts/thaw_records.py"
