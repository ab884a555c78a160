rule measure_style:
    input:
        responses="<results>/{study}/responses.csv",
        wordlists=sorted(str(file.relative_to(ROOT)) for file in ROOT.glob("data/wordlists/*.txt")),
        empath="data/wordlists/empath.tsv",
        liwc_dictionary=liwc_dictionary_of,
        liwc_results=liwc_results_of,
        code=code_behind("measure_style.py"),
    output:
        features="<results>/{study}/style/features.csv",
        counts="<results>/{study}/style/counts.csv",
        summary="<results>/{study}/style/summary.csv",
        texts_for_liwc="<results>/{study}/style/texts_for_liwc.csv",
    log:
        "<logs>/measure_style/{study}.log",
    benchmark:
        "<benchmarks>/measure_style/{study}.tsv"
    conda:
        "../envs/style.yaml"
    threads: 2
    resources:
        mem_mb=1000,
        runtime="30m",
    params:
        sources=lookup("studies/{study}/sources", within=config),
        empath=lookup("studies/{study}/style/empath", within=config),
    message:
        "{wildcards.study}: measuring the style of the responses"
    script:
        "../scripts/measure_style.py"


rule contrast_style:
    input:
        features="<results>/{study}/style/features.csv",
        responses="<results>/{study}/responses.csv",
        code=code_behind("contrast_style.py"),
    output:
        contrasts="<results>/{study}/style/contrasts.csv",
        classifier="<results>/{study}/style/classifier.csv",
    log:
        "<logs>/contrast_style/{study}.log",
    benchmark:
        "<benchmarks>/contrast_style/{study}.tsv"
    conda:
        "../envs/style.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="30m",
    params:
        seed=config["seed"],
        sources=lookup("studies/{study}/sources", within=config),
        permutations=lookup("studies/{study}/style/permutations", within=config),
        classifier_permutations=lookup("studies/{study}/style/classifier_permutations", within=config),
        bootstrap=lookup("studies/{study}/style/bootstrap", within=config),
    message:
        "{wildcards.study}: comparing the style of the sources"
    script:
        "../scripts/contrast_style.py"


rule compare_wording:
    input:
        posts="<results>/{study}/posts.csv",
        responses="<results>/{study}/responses.csv",
        encoder=encoder_of,
        code=code_behind("compare_wording.py"),
    output:
        distinctive="<results>/{study}/style/distinctive.csv",
        repeated="<results>/{study}/style/repeated.csv",
        likeness="<results>/{study}/style/likeness.csv",
    log:
        "<logs>/compare_wording/{study}.log",
    benchmark:
        "<benchmarks>/compare_wording/{study}.tsv"
    conda:
        "../envs/style.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime="2h",
    params:
        seed=config["seed"],
        sources=lookup("studies/{study}/sources", within=config),
    message:
        "{wildcards.study}: looking for what each source alone says"
    script:
        "../scripts/compare_wording.py"


rule relate_style:
    input:
        features="<results>/{study}/style/features.csv",
        ratings="<results>/{study}/ratings.csv",
        code=code_behind("relate_style.py"),
    output:
        ratings="<results>/{study}/style/ratings.csv",
    log:
        "<logs>/relate_style/{study}.log",
    benchmark:
        "<benchmarks>/relate_style/{study}.tsv"
    wildcard_constraints:
        study=one_of(STYLE_RATED),
    conda:
        "../envs/style.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        seed=config["seed"],
        item=lookup("studies/{study}/ratings/item", within=config),
    message:
        "{wildcards.study}: setting the style of the responses against their ratings"
    script:
        "../scripts/relate_style.py"
