"""Rule relate_style: which features of one study go with higher ratings."""

from empathic import tables
from empathic.rule import running
from empathic.style import rated

with running(snakemake) as rule:
    features = tables.FEATURES.read(rule.input.features)
    names = [name for name in features if name not in tables.FEATURES.names]
    given = tables.RATINGS.read(rule.input.ratings)
    table = rated.rated_features(features, given, rule.params.item)
    found = rated.relate(table, names, seed=rule.params.seed)
    rule.say(f"{len(names)} features set against the ratings of {len(table)} responses")
    tables.STYLE_RATINGS.write(tables.STYLE_RATINGS.frame(found.to_dict("records")), rule.output.ratings)
