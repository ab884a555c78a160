"""Rule decide_claims: what the data of this run say of each claim of its claims files."""

from pathlib import Path

from empathic import claimfile, claims, tables
from empathic.rule import running

with running(snakemake) as rule:
    results = Path(rule.output.claims).parent
    files, papers = claimfile.read_cited(rule.input.claims)
    with_texts = {Path(responses).parent.name for responses in rule.input.responses}
    studies = {
        name: claims.read_study(results / name, **study, with_texts=name in with_texts)
        for name, study in rule.params.studies.items()
    }
    decided, components, by_model = claims.decide(files, studies, papers)
    tables.CLAIMS.write(decided, rule.output.claims)
    tables.COMPONENTS.write(components, rule.output.components)
    tables.BY_MODEL.write(by_model, rule.output.by_model)
    for verdict, number in decided.verdict.value_counts(sort=False).items():
        rule.say(f"{number} of {len(decided)} claims: {verdict}")
