"""Rule merge_ratings: the exports of a study become its ratings, every row accounted for."""

from pathlib import Path

from empathic import exports, instrument, pseudonyms, ratings, tables
from empathic.rule import running

with running(snakemake) as rule:
    item, rules = rule.params.item, rule.params.exclusions
    survey = instrument.read(rule.input.instrument, item)
    merged = ratings.merge(
        exports.read_all(rule.params.exports, survey, item, rules),
        tables.RESPONSES.read(rule.input.responses[0]) if rule.input.responses else None,
        ratings.Asked(survey, rule.params.sources, rules, rule.params.demographics, rule.params.age_bands),
        private_key=lambda: pseudonyms.private_key(Path("private/pseudonym.key")),
    )
    tables.RATINGS.write(merged.ratings, rule.output.ratings)
    tables.RATERS.write(merged.raters, rule.output.raters)
    tables.FLOW.write(merged.flow, rule.output.flow)
    for note in merged.notes:
        rule.say(f"{rule.wildcards.study}: {note}")
