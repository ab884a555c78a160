import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

ROOT = Path(workflow.basedir)
SCRIPTS = ROOT / "scripts"
sys.path.insert(0, str(SCRIPTS))

from empathic import settings, yamlfile
from empathic.errors import InputError

if Path.cwd() != ROOT:
    raise WorkflowError(f"Snakemake runs from the checkout's root: cd {ROOT}, then start it again.")

try:
    # Before Snakemake reads config.yaml, of which it would tell less. What its command line names it has read already, and
    # does not mind a key that stands twice there.
    for file in workflow.configfiles or ["config.yaml"]:
        yamlfile.read_config(file)
except InputError as mistake:
    raise WorkflowError(str(mistake))

if not workflow.configfiles:

    configfile: "config.yaml"


try:
    config = settings.read(config)
except ValueError as mistakes:
    raise WorkflowError(str(mistakes))
