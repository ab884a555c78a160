if any(sources_of(study, "transformers") for study in ANSWERED_HERE) or any(
    STUDIES[study]["style"]["embeddings"] for study in WITH_TEXTS
):

    localrules:
        fetch_model,

    rule fetch_model:
        input:
            code=code_behind("fetch_model.py"),
        output:
            manifest="<results>/models/{model}.json",
        log:
            "<logs>/fetch_model/{model}.log",
        benchmark:
            "<benchmarks>/fetch_model/{model}.tsv"
        conda:
            "../envs/generation.yaml"
        threads: 1
        resources:
            mem_mb=3000,
            runtime="60m",
        params:
            model=lookup("models/{model}", within=config),
            cache=lookup("cache", within=config),
        message:
            "{wildcards.model}: fetching the weights (over a network, where they are not here yet)"
        script:
            "../scripts/fetch_model.py"


if any(sources_of(study, "transformers") for study in ANSWERED_HERE):

    rule generate_responses:
        input:
            posts="<results>/{study}/posts.csv",
            manifest=expand("<results>/models/{model}.json", model=lookup("sources/{source}/model", within=config)),
            prompt=lookup("sources/{source}/prompt", within=config),
            code=code_behind("generate_responses.py"),
        output:
            done="<results>/{study}/shards/{source}.{shard}of{shards}.csv",
        log:
            "<logs>/generate_responses/{study}.{source}.{shard}of{shards}.log",
        benchmark:
            "<benchmarks>/generate_responses/{study}.{source}.{shard}of{shards}.tsv"
        wildcard_constraints:
            source=of_kind("transformers"),
        priority: 10
        conda:
            "../envs/generation.yaml"
        threads: 1
        resources:
            mem_mb=3000,
            runtime="4h",
            gpu=gpus,
        params:
            run=config["run"],
            seed=config["seed"],
            cache=config["cache"],
            source=generation_settings,
            redraw=redraw_of,
        message:
            "{wildcards.study}: {wildcards.source} answers the posts (part {wildcards.shard} of {wildcards.shards})"
        script:
            "../scripts/generate_responses.py"


if any(sources_of(study, "openai") for study in ANSWERED_HERE):

    localrules:
        request_responses,

    rule request_responses:
        input:
            posts="<results>/{study}/posts.csv",
            prompt=lookup("sources/{source}/prompt", within=config),
            code=code_behind("request_responses.py"),
        output:
            done="<results>/{study}/shards/{source}.1of1.csv",
        log:
            "<logs>/request_responses/{study}.{source}.log",
        benchmark:
            "<benchmarks>/request_responses/{study}.{source}.tsv"
        wildcard_constraints:
            source=of_kind("openai"),
        priority: 10
        conda:
            "../envs/generation.yaml"
        threads: 1
        resources:
            mem_mb=500,
            runtime="12h",
            api=1,
        params:
            run=config["run"],
            seed=config["seed"],
            cache=config["cache"],
            source=generation_settings,
            redraw=redraw_of,
        message:
            "{wildcards.study}: {wildcards.source} is asked over a network (posts leave this machine)"
        script:
            "../scripts/request_responses.py"


if any(generated_in(study) for study in ANSWERED_HERE):

    rule gather_generations:
        input:
            posts="<results>/{study}/posts.csv",
            shards=expand("<results>/{{study}}/shards/{{source}}.{shard}.csv", shard=shards_of),
            code=code_behind("gather_generations.py"),
        output:
            records="<results>/{study}/generations/{source}.jsonl",
        log:
            "<logs>/gather_generations/{study}.{source}.log",
        benchmark:
            "<benchmarks>/gather_generations/{study}.{source}.tsv"
        wildcard_constraints:
            study=one_of(ANSWERED_HERE),
        conda:
            "../envs/generation.yaml"
        threads: 1
        resources:
            mem_mb=1000,
            runtime="10m",
        params:
            cache=config["cache"],
        message:
            "{wildcards.study}: gathering what {wildcards.source} wrote"
        script:
            "../scripts/gather_generations.py"
