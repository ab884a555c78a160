"""Rule thaw_texts: the posts and responses of a frozen study, checked, become those of this run."""

from pathlib import Path

from empathic import files, freezing
from empathic.rule import running

with running(snakemake) as rule:
    folder = Path(rule.params.folder)
    plan = freezing.check(folder)
    freezing.agree(folder, plan, freezing.with_prompts(rule.params.makers), freezing.with_hashes(rule.params.given))
    files.copy(folder / "posts.csv", rule.output.posts)
    files.copy(folder / "responses.csv", rule.output.responses)
    rule.say(f"{rule.wildcards.study}: texts as frozen in {folder} on {plan['frozen_at'][:10]}; all hashes agree")
