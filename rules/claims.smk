if config["claims"]:

    rule decide_claims:
        input:
            claims=config["claims"],
            ratings=expand("<results>/{study}/ratings.csv", study=RATED),
            responses=expand("<results>/{study}/responses.csv", study=WITH_TEXTS),
            style=expand("<results>/{study}/style/contrasts.csv", study=WITH_TEXTS),
            fits=expand(
                "<results>/{fit[0]}/models/{fit[1]}/{file}",
                fit=fits(),
                file=["fit.json", "contrasts.csv", "interactions.csv", "tests_of_sets.csv"],
            ),
            code=code_behind("decide_claims.py"),
        output:
            claims="<results>/claims.csv",
            components="<results>/claims_components.csv",
            by_model="<results>/claims_by_model.csv",
        log:
            "<logs>/decide_claims.log",
        benchmark:
            "<benchmarks>/decide_claims.tsv"
        conda:
            "../envs/claims.yaml"
        threads: 1
        resources:
            mem_mb=1000,
            runtime="10m",
        params:
            studies={
                study: {
                    "sources": STUDIES[study]["sources"],
                    "models": list(STUDIES[study]["models"]) if study in RATED else [],
                    "written_by": settings.written_by(STUDIES[study], config),
                }
                for study in STUDIES
                if study in RATED or study in WITH_TEXTS
            },
        message:
            "Deciding the claims"
        script:
            "../scripts/decide_claims.py"
