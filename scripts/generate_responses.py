"""Rule generate_responses: one source answers its share of a study's posts; records go to the cache."""

from pathlib import Path

from empathic import files, prompts, records, tables
from empathic.rule import running

with running(snakemake, apart=True) as rule:
    from empathic import generation  # Loads torch, which reads the environment that `running` has set.

    study, source, shard, shards = (rule.wildcards[name] for name in ("study", "source", "shard", "shards"))
    arm = generation.Arm(
        study=study,
        name=source,
        source=rule.params.source,
        manifest=files.read_json(rule.input.manifest[0]),
        template=prompts.read(rule.input.prompt),
        seed=rule.params.seed,
        redraw=rule.params.redraw,
    )
    done = generation.answer(
        tables.POSTS.read(rule.input.posts),
        arm,
        Path(rule.params.cache),
        f"{rule.params.run}.{shard}of{shards}",
        (int(shard), int(shards)),
        rule.say,
    )
    records.write_listing(done, rule.output.done)
