"""Rule gather_generations: the records of one source, from all its shards, in the order of the posts."""

import json
from pathlib import Path

import pandas as pd

from empathic import files, records, tables
from empathic.posts import in_order
from empathic.rule import running

with running(snakemake) as rule:
    study, source = rule.wildcards.study, rule.wildcards.source
    posts = tables.POSTS.read(rule.input.posts)
    listed = pd.concat([records.read_listing(shard) for shard in rule.input.shards])
    listed = in_order(posts, listed)
    again = f"snakemake --cores all --forcerun {' '.join(rule.input.shards)}"
    found = records.look_up(records.folder(Path(rule.params.cache), study, source), rule.say)
    texts = posts.set_index("post_id")["text"]
    with files.whole(rule.output.records) as out:
        for record in records.in_order(listed["key"], found, again):
            whole = records.gathered(record, texts[record["post_id"]])
            out.write(json.dumps(whole, ensure_ascii=False) + "\n")
