rule fit_model:
    input:
        ratings="<results>/{study}/ratings.csv",
        raters="<results>/{study}/raters.csv",
        responses=responses_of,
        instrument=lookup("studies/{study}/ratings/instrument", within=config),
        code=code_behind("fit_model.py"),
    output:
        fixed="<results>/{study}/models/{model}/fixed.csv",
        random="<results>/{study}/models/{model}/random.csv",
        tests="<results>/{study}/models/{model}/tests.csv",
        sets="<results>/{study}/models/{model}/tests_of_sets.csv",
        means="<results>/{study}/models/{model}/means.csv",
        contrasts="<results>/{study}/models/{model}/contrasts.csv",
        interactions="<results>/{study}/models/{model}/interactions.csv",
        random_effects="<results>/{study}/models/{model}/random_effects.csv",
        residuals="<results>/{study}/models/{model}/residuals.csv",
        fit="<results>/{study}/models/{model}/fit.json",
        script="<results>/{study}/models/{model}/model.R",
    log:
        "<logs>/fit_model/{study}.{model}.log",
    benchmark:
        "<benchmarks>/fit_model/{study}.{model}.tsv"
    conda:
        "../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime="60m",
    params:
        model=lookup("{study}/{model}", within=FITTED),
        sets=claimed_sets,
        sources=lookup("studies/{study}/sources", within=config),
        item=lookup("studies/{study}/ratings/item", within=config),
        inference=lookup("studies/{study}/inference", within=config),
    message:
        "{wildcards.study}: fitting the model '{wildcards.model}' in R"
    script:
        "../scripts/fit_model.py"


rule count_ratings:
    input:
        ratings="<results>/{study}/ratings.csv",
        posts=posts_of,
        responses=responses_of,
        instrument=lookup("studies/{study}/ratings/instrument", within=config),
        code=code_behind("count_ratings.py"),
    output:
        counts="<results>/{study}/counts.csv",
        tests="<results>/{study}/count_tests.csv",
    log:
        "<logs>/count_ratings/{study}.log",
    benchmark:
        "<benchmarks>/count_ratings/{study}.tsv"
    conda:
        "../envs/ratings.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        sources=lookup("studies/{study}/sources", within=config),
        item=lookup("studies/{study}/ratings/item", within=config),
        split_by=lookup("studies/{study}/split_counts_by", within=config),
    message:
        "{wildcards.study}: counting the ratings"
    script:
        "../scripts/count_ratings.py"


rule fit_counts:
    input:
        counts="<results>/{study}/style/counts.csv",
        responses="<results>/{study}/responses.csv",
        code=code_behind("fit_counts.py"),
    output:
        table="<results>/{study}/style/count_models.csv",
    log:
        "<logs>/fit_counts/{study}.log",
    benchmark:
        "<benchmarks>/fit_counts/{study}.tsv"
    wildcard_constraints:
        study=one_of(COUNT_MODELLED),
    conda:
        "../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime="12h",
    params:
        sources=lookup("studies/{study}/sources", within=config),
        features=lookup("studies/{study}/style/count_models", within=config),
    message:
        "{wildcards.study}: fitting negative binomial models of {params.features} in R"
    script:
        "../scripts/fit_counts.py"


rule leave_one_out:
    input:
        ratings="<results>/{study}/ratings.csv",
        raters="<results>/{study}/raters.csv",
        responses=responses_of,
        instrument=lookup("studies/{study}/ratings/instrument", within=config),
        code=code_behind("leave_one_out.py"),
    output:
        table="<results>/{study}/leave_one_out.csv",
    log:
        "<logs>/leave_one_out/{study}.log",
    benchmark:
        "<benchmarks>/leave_one_out/{study}.tsv"
    conda:
        "../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime="2h",
    params:
        model=lookup("studies/{study}/models/deciding", within=config),
        sources=lookup("studies/{study}/sources", within=config),
        item=lookup("studies/{study}/ratings/item", within=config),
        inference=lookup("studies/{study}/inference", within=config),
    message:
        "{wildcards.study}: fitting the deciding model without each post, and without each domain"
    script:
        "../scripts/leave_one_out.py"


rule fit_multiverse:
    input:
        ratings="<results>/{study}/ratings.csv",
        raters="<results>/{study}/raters.csv",
        responses=responses_of,
        instrument=lookup("studies/{study}/ratings/instrument", within=config),
        code=code_behind("fit_multiverse.py"),
    output:
        table="<results>/{study}/multiverse.csv",
    log:
        "<logs>/fit_multiverse/{study}.log",
    benchmark:
        "<benchmarks>/fit_multiverse/{study}.tsv"
    conda:
        "../envs/models.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime="2h",
    params:
        multiverse=lookup("studies/{study}/multiverse", within=config),
        sources=lookup("studies/{study}/sources", within=config),
        item=lookup("studies/{study}/ratings/item", within=config),
        inference=lookup("studies/{study}/inference", within=config),
    message:
        "{wildcards.study}: fitting what else could have been done with the ratings"
    script:
        "../scripts/fit_multiverse.py"


rule robustness:
    input:
        expand(
            "<results>/{fit[0]}/models/{fit[1]}/{file}",
            fit=robustness_fits(),
            file=FIT_FILES,
        ),
        expand("<results>/{study}/{table}.csv", study=RATED, table=["leave_one_out", "multiverse"]),
