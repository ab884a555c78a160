"""Rule count_ratings: how often each answer was given to each source, with the tests that such tables are given."""

from empathic import counts, instrument, tables
from empathic.rule import running

with running(snakemake) as rule:
    item = rule.params.item
    counted, tested = counts.count(
        tables.RATINGS.read(rule.input.ratings),
        tables.RESPONSES.read(rule.input.responses[0]) if rule.input.responses else None,
        tables.POSTS.read(rule.input.posts[0]) if rule.input.posts else None,
        file=rule.input.ratings,
        item=item,
        scale=instrument.read(rule.input.instrument, item).item(item).scale,
        sources=rule.params.sources,
        split_by=rule.params.split_by,
    )
    tables.COUNTS.write(counted, rule.output.counts)
    tables.COUNT_TESTS.write(tested, rule.output.tests)
