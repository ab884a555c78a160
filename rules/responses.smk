rule gather_responses:
    input:
        posts="<results>/{study}/posts.csv",
        generations=generations_of,
        written=written_responses,
        all_posts=lookup("studies/{study}/posts/file", within=config),
        code=code_behind("gather_responses.py"),
    output:
        responses="<results>/{study}/responses.csv",
    log:
        "<logs>/gather_responses/{study}.log",
    benchmark:
        "<benchmarks>/gather_responses/{study}.tsv"
    wildcard_constraints:
        study=one_of(ANSWERED_HERE),
    conda:
        "../envs/posts.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime="10m",
    params:
        origin=lookup("studies/{study}/posts/origin", within=config),
        sources=lookup("studies/{study}/sources", within=config),
        post_columns=lookup("studies/{study}/posts/columns", within=config),
        written=written_files,
        generated=generated_sources,
    message:
        "{wildcards.study}: one table of all responses"
    script:
        "../scripts/gather_responses.py"
