rule measure_quality:
    input:
        posts="<results>/{study}/posts.csv",
        responses="<results>/{study}/responses.csv",
        generations=generations_of,
        code=code_behind("measure_quality.py"),
    output:
        sources="<results>/{study}/quality.csv",
        responses="<results>/{study}/quality_responses.csv",
    log:
        "<logs>/measure_quality/{study}.log",
    benchmark:
        "<benchmarks>/measure_quality/{study}.tsv"
    conda:
        "../envs/quality.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="30m",
    params:
        sources=kinds_of,
        generated=generated_sources,
        asked_words=lookup("studies/{study}/asked_words", within=config),
        language=lookup("studies/{study}/language", within=config),
    message:
        "{wildcards.study}: checking the quality of the responses"
    script:
        "../scripts/measure_quality.py"
