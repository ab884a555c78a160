rule measure_style:
    input:
        responses="<results>/{study}/responses.csv",
        code=code_behind("measure_style.py"),
    output:
        features="<results>/{study}/style/features.csv",
        summary="<results>/{study}/style/summary.csv",
    log:
        "<logs>/measure_style/{study}.log",
    benchmark:
        "<benchmarks>/measure_style/{study}.tsv"
    conda:
        "../envs/style.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="30m",
    params:
        sources=lookup("studies/{study}/sources", within=config),
    message:
        "{wildcards.study}: measuring the style of the responses"
    script:
        "../scripts/measure_style.py"
