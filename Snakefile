from snakemake.utils import min_version

min_version("9.27")


include: "rules/config.smk"
include: "rules/common.smk"
include: "rules/posts.smk"
include: "rules/generation.smk"
include: "rules/responses.smk"
include: "rules/quality.smk"
include: "rules/freeze.smk"
include: "rules/ratings.smk"
include: "rules/models.smk"
include: "rules/planning.smk"
include: "rules/style.smk"
include: "rules/claims.smk"
include: "rules/report.smk"


rule all:
    default_target: True
    input:
        expand("<results>/report/report.{form}", form=sorted({"html", *config["report"]["formats"]})),


rule freeze:
    input:
        expand("<results>/{study}/freeze_receipt.json", study=ANSWERED_HERE),


onsuccess:
    if Path(f"{RESULTS}/report/report.html").exists():
        print(f"The report lies at {RESULTS}/report/report.html")
