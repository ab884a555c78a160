if any(STUDIES[study]["ratings"]["simulate"] for study in RATED):

    rule simulate_raters:
        input:
            responses="<results>/{study}/responses.csv",
            instrument=lookup("studies/{study}/ratings/instrument", within=config),
            code=code_behind("simulate_raters.py"),
        output:
            export="<simulated>/{study}/SIMULATED_export.csv",
            demographics="<simulated>/{study}/SIMULATED_demographics.csv",
            truth="<simulated>/{study}/SIMULATED_truth.json",
        log:
            "<logs>/simulate_raters/{study}.log",
        benchmark:
            "<benchmarks>/simulate_raters/{study}.tsv"
        conda:
            "../envs/ratings.yaml"
        threads: 1
        resources:
            mem_mb=1000,
            runtime="10m",
        params:
            seed=config["seed"],
            sources=lookup("studies/{study}/sources", within=config),
            item=lookup("studies/{study}/ratings/item", within=config),
            simulate=lookup("studies/{study}/ratings/simulate", within=config),
            exclusions=lookup("studies/{study}/ratings/exclusions", within=config),
        message:
            "{wildcards.study}: simulating raters (no person answers here)"
        script:
            "../scripts/simulate_raters.py"


rule merge_ratings:
    input:
        exports=exports_of,
        responses=responses_of,
        instrument=lookup("studies/{study}/ratings/instrument", within=config),
        code=code_behind("merge_ratings.py"),
    output:
        ratings="<results>/{study}/ratings.csv",
        raters="<results>/{study}/raters.csv",
        flow="<results>/{study}/flow.csv",
    log:
        "<logs>/merge_ratings/{study}.log",
    benchmark:
        "<benchmarks>/merge_ratings/{study}.tsv"
    conda:
        "../envs/ratings.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        sources=lookup("studies/{study}/sources", within=config),
        item=lookup("studies/{study}/ratings/item", within=config),
        exports=described_exports,
        exclusions=lookup("studies/{study}/ratings/exclusions", within=config),
        demographics=lookup("studies/{study}/ratings/demographics", within=config),
        age_bands=lookup("studies/{study}/ratings/age_bands", within=config),
    message:
        "{wildcards.study}: joining ratings to the texts that were rated"
    script:
        "../scripts/merge_ratings.py"


rule describe_ratings:
    input:
        ratings="<results>/{study}/ratings.csv",
        responses=responses_of,
        instrument=lookup("studies/{study}/ratings/instrument", within=config),
        code=code_behind("describe_ratings.py"),
    output:
        positions="<results>/{study}/assignment/positions.csv",
        rated="<results>/{study}/assignment/responses.csv",
        seen="<results>/{study}/assignment/raters.csv",
        agreement="<results>/{study}/reliability/agreement.csv",
        scales="<results>/{study}/reliability/scales.csv",
        scale_use="<results>/{study}/reliability/scale_use.csv",
    log:
        "<logs>/describe_ratings/{study}.log",
    benchmark:
        "<benchmarks>/describe_ratings/{study}.tsv"
    conda:
        "../envs/ratings.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        sources=lookup("studies/{study}/sources", within=config),
        item=lookup("studies/{study}/ratings/item", within=config),
    message:
        "{wildcards.study}: who saw what, and how far raters agree"
    script:
        "../scripts/describe_ratings.py"
