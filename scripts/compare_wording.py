"""Rule compare_wording: what each source of one study says more than others, repeats, and how alike its texts are."""

import pandas as pd

from empathic import files, tables, weights
from empathic.origin import weakest
from empathic.rule import Every, running
from empathic.style import distinctive, likeness, tokens

with running(snakemake) as rule:
    posts = tables.POSTS.read(rule.input.posts)
    responses = tables.RESPONSES.read(rule.input.responses)
    texts = [*responses.text, *posts.text]
    parsed = [tokens.parse(text) for text in texts]
    places = pd.Series(range(len(responses), len(texts)), index=posts.post_id)
    rows = responses[["source", "post_id"]].assign(vector=range(len(responses)))
    by_source = {
        source: [parsed[place] for place in rows.vector[rows.source == source]] for source in rule.params.sources
    }
    origins = {source: weakest(own.unique()) for source, own in responses.groupby("source").origin}
    vectors = {"runs of words": likeness.runs(parsed)}
    if rule.input.encoder:
        folder = weights.verify(files.read_json(rule.input.encoder))
        due = Every()
        vectors["embeddings"] = likeness.embed(
            texts,
            folder,
            threads=rule.threads,
            progress=lambda done: due and rule.say(f"{done} of {len(texts)} texts embedded"),
        )
    found = [
        likeness.likeness(own, rows, places, seed=rule.params.seed).assign(measure=name)
        for name, own in vectors.items()
    ]
    alike = pd.concat(found).assign(origin=lambda table: table.source.map(origins))
    for table, schema, path in (
        (distinctive.distinctive(by_source, origins), tables.DISTINCTIVE, rule.output.distinctive),
        (distinctive.repeated(by_source, origins), tables.REPEATED, rule.output.repeated),
        (alike, tables.LIKENESS, rule.output.likeness),
    ):
        schema.write(schema.frame(table.to_dict("records")), path)
