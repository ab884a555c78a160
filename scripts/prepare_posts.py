"""Rule prepare_posts: a lab's posts become the study's, checked."""

from empathic import posts, tables
from empathic.rule import running

with running(snakemake) as rule:
    given, params = rule.input.posts, rule.params
    table = posts.read(given, origin=params.origin, per_domain=params.per_domain, columns=params.columns)
    tables.POSTS.write(table, rule.output.posts)
