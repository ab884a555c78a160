"""Rule measure_style: what every response of one study looks like, and each source on average."""

from empathic import tables
from empathic.rule import running
from empathic.style import dictionaries, measure

with running(snakemake) as rule:
    responses = tables.RESPONSES.read(rule.input.responses)
    dictionary = rule.input.liwc_dictionary or None
    tools = measure.instruments(rule.input.wordlists, rule.input.empath, rule.params.empath, dictionary)
    features, counts = measure.measure(responses, tools, processes=rule.threads)
    names = tools.names
    if rule.input.liwc_results:
        given = dictionaries.join_liwc22(rule.input.liwc_results, set(responses.response_id))
        features = features.join(given, on="response_id")
        names = [*names, *given.columns]
    rule.say(f"{len(features)} responses measured by {len(names)} features")
    tables.FEATURES.write(features, rule.output.features)
    tables.STYLE_COUNTS.write(counts, rule.output.counts)
    tables.STYLE_SUMMARY.write(measure.summarise(features, names, rule.params.sources), rule.output.summary)
    tables.TEXTS_FOR_LIWC.write(responses[["response_id", "text"]], rule.output.texts_for_liwc)
