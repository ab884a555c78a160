"""From report.qmd and its parts to one Quarto document about one run.

`{{< include FILE >}}` puts a part in its place. The run then decides the structure: lines such as `<!--% for study in
studies -->` and `<!--% if study.rated -->` are Jinja's blocks, and `[[study.name]]` stands for a value. They choose
which parts there are and under which label; numbers and texts come from cells and inline code alone.
"""

import re
from pathlib import Path
from typing import Any

import jinja2

from empathic.errors import InputError
from empathic.report import figures, head
from empathic.report.loading import Run, Study
from empathic.report.words import prose

INCLUDE = re.compile(r"^\{\{< include (?P<file>\S+) >\}\}[ \t]*$", re.MULTILINE)


def document(source: Path, run: Run) -> str:
    """The text of a report on this run. Raises InputError where a part is missing or a block is wrong."""
    template = included(source)
    _known(source.parent / "references.bib", run.config["report"]["data_of"])
    environment = jinja2.Environment(
        block_start_string="<!--%",
        block_end_string="-->",
        variable_start_string="[[",
        variable_end_string="]]",
        comment_start_string="<!--#",
        comment_end_string="#-->",
        trim_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    try:
        return environment.from_string(template).render(structure(run))
    except jinja2.TemplateError as error:
        raise InputError(source, f"{error}", "Mend the lines that begin with <!--% in it or in its parts") from None


def included(source: Path, above: tuple[Path, ...] = ()) -> str:
    """The text of a file with each include replaced by its file, relative to the including one, as deep as it goes."""
    if source in above:
        raise InputError(above[-1], f"it includes {source}, which includes it", "Take one of the two includes out")
    try:
        text = source.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(above[-1] if above else source, f"no such file: {source}", "Mend the include's path") from None
    return INCLUDE.sub(lambda match: included(source.parent / match["file"], (*above, source)).rstrip("\n"), text)


def _known(references: Path, keys: list[str]) -> None:
    """Refuse a key that the references do not have: pandoc would print it as it is."""
    known = re.findall(r"^@\w+\{([^,\s]+),", references.read_text(encoding="utf-8"), re.MULTILINE) if keys else []
    for key in keys:
        if key not in known:
            raise InputError(
                references, f"it has no '{key}', which the config names", "Correct report > data_of, or add it"
            )


def structure(run: Run) -> dict[str, Any]:
    """What decides which parts a report has."""
    studies = [_study(run, study) for study in run.studies.values()]
    return {
        "title": prose(head.title(run)),
        "warning": head.warning(run),
        "studies": studies,
        "frozen": bool(run.provenance["frozen"]),
        "given": bool(run.kinds & {"human", "archived"}),
        "drawn": "transformers" in run.kinds,
        "quantized": run.quantized,
        "asked": "openai" in run.kinds,
        "texts": any(study["texts"] for study in studies),
        "awaiting": bool(run.awaiting),
        "claims": run.claims is not None,
        "demo": run.claims is not None and bool(run.claims.demo_verdict.notna().any()),
        "data_of": _cited(run.config["report"]["data_of"]),
        "sentiment": run.measures("sentiment"),
        "empath": run.measures("empath_"),
        "about_paper": run.about_paper,
        "other_papers": bool(run.other_papers),
        "verdicts": run.claims is not None and bool((run.claims.verdict != "not testable").any()),
    }


def _cited(keys: list[str]) -> str:
    return f"[{'; '.join(f'@{key}' for key in keys)}]" if keys else ""


def _study(run: Run, study: Study) -> dict[str, Any]:
    return {
        "name": study.name,
        "rated": study.ratings is not None,
        "texts": study.posts is not None,
        "simulated": study.simulated,
        "truth": study.truth is not None,
        "others": bool(study.others),
        "compared": study.ratings is not None and not study.deciding.contrasts.empty,
        "by_domain": len(study.domains) > 1,
        "counted": study.count_tests is not None and not study.count_tests.empty,
        "components": not run.components_of(study).empty,
        "claims_by_model": not run.claims_by_model(study).empty,
        "left_out_in_turn": study.leave_one_out is not None,
        "multiverse": study.multiverse is not None,
        "power": study.power is not None,
        "recovery": study.recovery is not None,
        "compared_in_style": study.posts is not None and not figures.style_differences(study).empty,
    }
