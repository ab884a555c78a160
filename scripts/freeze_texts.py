"""Rule freeze_texts: the texts of a study, as people will rate them, go to a folder where nothing changes them."""

from datetime import UTC, datetime
from pathlib import Path

from empathic import claimfile, files, freezing, instrument, responses, tables
from empathic.rule import running

with running(snakemake) as rule:
    params, study = rule.params, rule.wildcards.study
    generated = {Path(file).stem: file for file in rule.input.generations}
    posts, texts = tables.POSTS.read(rule.input.posts), tables.RESPONSES.read(rule.input.responses)
    responses.check(posts, texts, {source: files.read_json_lines(file) for source, file in generated.items()})
    claimfile.read_all(params.claims)
    if params.study["ratings"]:
        instrument.read(params.study["ratings"]["instrument"], params.study["ratings"]["item"])
    plan = {
        "run": params.run,
        "study": study,
        "frozen_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": params.seed,
        "makers": freezing.with_prompts(params.makers),
        "given": freezing.with_hashes(params.given),
        "rights": params.rights,
        "declared": freezing.declared(params.study, params.claims),
    }
    parts = {"posts.csv": rule.input.posts, "responses.csv": rule.input.responses}
    parts |= {f"generations/{source}.jsonl": file for source, file in generated.items()}
    folder = Path("data/frozen") / params.run / study
    sums = freezing.freeze(folder, {name: Path(file) for name, file in parts.items()}, plan)
    files.write_json(rule.output.receipt, {"folder": str(folder), "frozen_at": plan["frozen_at"], "sha256": sums})
    rule.say(f"{study}: {len(texts)} responses to {len(posts)} posts are frozen in {folder}; commit that folder")
    if kept := [name for name, said in params.rights.items() if not said["share"]]:
        rule.say(f"{study}: but not in public, as the config says `share: false` of {', '.join(kept)}")
