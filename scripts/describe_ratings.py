"""Rule describe_ratings: who saw what, as found, and how far raters and items agree."""

from empathic import assignment, instrument, reliability, tables
from empathic.rule import running

with running(snakemake) as rule:
    ratings = tables.RATINGS.read(rule.input.ratings)
    responses = tables.RESPONSES.read(rule.input.responses[0]) if rule.input.responses else None
    survey = instrument.read(rule.input.instrument, rule.params.item)
    answered = ratings[ratings["item"].isin([item.name for item in survey.items])]
    sources = rule.params.sources
    tables.POSITIONS.write(assignment.by_position(answered, sources), rule.output.positions)
    tables.RATED.write(assignment.by_response(answered, responses), rule.output.rated)
    tables.SEEN.write(assignment.by_rater(answered), rule.output.seen)
    tables.AGREEMENT.write(reliability.agreement(ratings, sources), rule.output.agreement)
    tables.SCALES.write(reliability.of_scales(ratings, survey, sources), rule.output.scales)
    tables.SCALE_USE.write(reliability.scale_use(ratings), rule.output.scale_use)
