"""Rule request_responses: a source behind an API answers a study's posts; records go to the cache."""

from pathlib import Path

from empathic import api, prompts, records, tables
from empathic.rule import end_with_parent, running

with running(snakemake) as rule:
    end_with_parent()
    arm = api.Arm(
        study=rule.wildcards.study,
        name=rule.wildcards.source,
        source=rule.params.source,
        template=prompts.read(rule.input.prompt),
        seed=rule.params.seed,
        redraw=rule.params.redraw,
    )
    posts = tables.POSTS.read(rule.input.posts)
    done = api.answer(posts, arm, Path(rule.params.cache), f"{rule.params.run}.1of1", rule.say)
    records.write_listing(done, rule.output.done)
