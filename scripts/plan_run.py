"""`make plan`: what a run would cost before it runs. Usage, from the checkout's root: plan_run.py [CONFIG]"""

import os
import sys

os.environ["HF_HUB_OFFLINE"] = "1"

from empathic import settings, yamlfile
from empathic.errors import InputError


def main(path: str = "config.yaml") -> None:
    """Print the plan of a config; what is wrong with it stands in one message."""
    try:
        config = settings.read(yamlfile.read_config(path))
        from empathic import plan  # Loads torch, which reads the environment that is set above.

        print(plan.text(config, lambda line: print(line, file=sys.stderr)), end="")
    except (ValueError, InputError, OSError) as error:
        sys.exit(f"{path}: {error}" if isinstance(error, ValueError) else str(error))


if __name__ == "__main__":
    main(*sys.argv[1:])
