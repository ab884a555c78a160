"""Rule measure_quality: what every source of one study was asked and gave, and what the checks say of each response."""

import json

from empathic import prompts, quality, tables
from empathic.rule import running

with running(snakemake) as rule:
    records = {}
    for source, path in zip(rule.params.generated, rule.input.generations, strict=True):
        with open(path, encoding="utf-8") as lines:
            records[source] = [json.loads(line) for line in lines]
    templates = {source: prompts.read(path) for source, path in rule.params.prompts.items()}
    asked = rule.params.asked_words
    checked = quality.measure(
        tables.RESPONSES.read(rule.input.responses),
        records,
        templates,
        asked_words=asked,
        language=rule.params.language,
    )
    posts = tables.POSTS.read(rule.input.posts)
    counted = quality.summarise(checked, posts, rule.params.sources, records, asked)
    rule.say(f"{len(checked)} responses checked, {int(checked['flagged'].sum())} flagged")
    tables.QUALITY_RESPONSES.write(checked, rule.output.responses)
    tables.QUALITY.write(counted, rule.output.sources)
