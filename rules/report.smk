rule list_rules:
    input:
        code=code_behind("list_rules.py"),
    output:
        rules="<results>/rules.csv",
    log:
        "<logs>/list_rules.log",
    benchmark:
        "<benchmarks>/list_rules.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime="10m",
    params:
        config=config,
    message:
        "Listing the rules of this run"
    script:
        "../scripts/list_rules.py"


rule record_provenance:
    input:
        tables=tables(),
        given=given_files(),
        code=code_behind("record_provenance.py"),
    output:
        provenance="<results>/provenance.json",
    log:
        "<logs>/record_provenance.log",
    benchmark:
        "<benchmarks>/record_provenance.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime="10m",
    params:
        config=config,
        commit=commit_of(ROOT),
        benchmarks=f"benchmarks/{config['run']}",
    message:
        "Recording versions, seeds and hashes"
    script:
        "../scripts/record_provenance.py"


rule render_report:
    input:
        provenance="<results>/provenance.json",
        tables=tables(),
        truth=truths(),
        parts=report_parts(),
        code=code_behind("render_report.py"),
    output:
        html="<results>/report/report.html",
        figures=directory("<results>/figures"),
    log:
        "<logs>/render_report.log",
    benchmark:
        "<benchmarks>/render_report.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime="30m",
    params:
        engine=config["report"]["engine"],
    message:
        "Rendering the report"
    script:
        "../scripts/render_report.py"


if "pdf" in config["report"]["formats"]:

    rule print_report:
        input:
            provenance="<results>/provenance.json",
            tables=tables(),
            truth=truths(),
            parts=report_parts(),
            code=code_behind("print_report.py"),
        output:
            pdf="<results>/report/report.pdf",
        log:
            "<logs>/print_report.log",
        benchmark:
            "<benchmarks>/print_report.tsv"
        conda:
            "../envs/report.yaml"
        threads: 1
        resources:
            mem_mb=2000,
            runtime="30m",
        message:
            "Printing the report"
        script:
            "../scripts/print_report.py"
