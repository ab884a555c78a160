"""Rule gather_responses: one table of all responses of a study, whoever wrote them."""

from empathic import files, posts, responses, tables
from empathic.rule import running

with running(snakemake) as rule:
    known = set(
        posts.read(rule.input.all_posts, origin=rule.params.origin, columns=rule.params.post_columns)["post_id"]
    )
    generated = dict(zip(rule.params.generated, rule.input.generations, strict=True))
    parts = []
    for source in rule.params.sources:
        if source in generated:
            parts.append(responses.from_records(files.read_json_lines(generated[source]), source, rule.say))
        else:
            given = rule.params.written[source]
            described = given["file"], source, given["kind"], given["origin"]
            parts.append(responses.from_file(*described, known, given["columns"]))
    tables.RESPONSES.write(responses.gather(tables.POSTS.read(rule.input.posts), parts), rule.output.responses)
