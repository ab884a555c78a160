rule fit_model:
    input:
        ratings="<results>/{study}/ratings.csv",
        responses=responses_of,
        instrument=lookup("studies/{study}/ratings/instrument", within=config),
        code=code_behind("fit_model.py"),
    output:
        fixed="<results>/{study}/models/{model}/fixed.csv",
        random="<results>/{study}/models/{model}/random.csv",
        tests="<results>/{study}/models/{model}/tests.csv",
        means="<results>/{study}/models/{model}/means.csv",
        contrasts="<results>/{study}/models/{model}/contrasts.csv",
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
        model=lookup("studies/{study}/models/{model}", within=config),
        sources=lookup("studies/{study}/sources", within=config),
        item=lookup("studies/{study}/ratings/item", within=config),
        inference=lookup("studies/{study}/inference", within=config),
    message:
        "{wildcards.study}: fitting the model '{wildcards.model}' with lme4"
    script:
        "../scripts/fit_model.py"
