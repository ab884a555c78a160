"""Rule fit_counts: how much more often, per word, one source of a study does what a feature counts than another."""

from empathic import count_models, tables
from empathic.rule import running

with running(snakemake) as rule:
    counts = tables.STYLE_COUNTS.read(rule.input.counts)
    posts = tables.RESPONSES.read(rule.input.responses).set_index("response_id").post_id
    found = count_models.compare(
        counts.assign(post_id=counts.response_id.map(posts)),
        rule.params.features,
        rule.params.sources,
        file=rule.input.counts,
        progress=rule.say,
    )
    tables.COUNT_MODELS.write(tables.COUNT_MODELS.frame(found.to_dict("records")), rule.output.table)
