"""Rule contrast_style: by which features the sources of one study differ, and how well these tell them apart."""

from empathic import features, tables
from empathic.origin import weakest
from empathic.rule import running
from empathic.style import classifier, contrasts

with running(snakemake) as rule:
    measured = tables.FEATURES.read(rule.input.features)
    posts = tables.RESPONSES.read(rule.input.responses).set_index("response_id").post_id
    names = [name for name in measured if name not in tables.FEATURES.names]
    table = measured.assign(post_id=measured.response_id.map(posts))
    settings = {"seed": rule.params.seed, "progress": rule.say}
    compared = contrasts.compare(
        table,
        names,
        rule.params.sources,
        permutations=rule.params.permutations,
        draws=rule.params.bootstrap,
        **settings,
    )
    sets = {"all": names, "without length": [name for name in names if name not in features.LENGTH]}
    told = classifier.classify(table, sets, permutations=rule.params.classifier_permutations, **settings)
    told = told.assign(origin=weakest(table.origin.unique()))
    tables.STYLE_CONTRASTS.write(tables.STYLE_CONTRASTS.frame(compared.to_dict("records")), rule.output.contrasts)
    tables.CLASSIFIER.write(tables.CLASSIFIER.frame(told.to_dict("records")), rule.output.classifier)
