"""Rule measure_quality: what every source of one study was asked and gave, and what the checks say of each response."""

from empathic import files, quality, tables
from empathic.rule import running

with running(snakemake) as rule:
    made = map(files.read_json_lines, rule.input.generations)
    records = dict(zip(rule.params.generated, made, strict=True))
    posts, asked = tables.POSTS.read(rule.input.posts), rule.params.asked_words
    responses = tables.RESPONSES.read(rule.input.responses)
    checked = quality.measure(responses, posts, records, asked_words=asked, language=rule.params.language)
    counted = quality.summarise(checked, posts, rule.params.sources, records, asked)
    rule.say(f"{len(checked)} responses checked, {int(checked['flagged'].sum())} flagged")
    tables.QUALITY_RESPONSES.write(checked, rule.output.responses)
    tables.QUALITY.write(counted, rule.output.sources)
