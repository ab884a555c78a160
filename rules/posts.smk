rule prepare_posts:
    input:
        posts=lookup("studies/{study}/posts/file", within=config),
        code=code_behind("prepare_posts.py"),
    output:
        posts="<results>/{study}/posts.csv",
    log:
        "<logs>/prepare_posts/{study}.log",
    benchmark:
        "<benchmarks>/prepare_posts/{study}.tsv"
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
        per_domain=lookup("studies/{study}/posts/per_domain", within=config),
        columns=lookup("studies/{study}/posts/columns", within=config),
    message:
        "{wildcards.study}: checking the posts"
    script:
        "../scripts/prepare_posts.py"
