"""Rule prepare_posts: a lab's posts become the study's, checked."""

from empathic import posts, tables
from empathic.rule import running

with running(snakemake) as rule:
    tables.POSTS.write(
        posts.read(rule.input.posts, origin=rule.params.origin, per_domain=rule.params.per_domain), rule.output.posts
    )
