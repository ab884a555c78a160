"""For the Makefile: one key of a config. Usage, from the checkout's root: print_setting.py CONFIG KEY [DEFAULT]"""

import sys

from empathic import yamlfile
from empathic.errors import InputError


def main(path: str, key: str, default: str = "") -> None:
    """Print the value of a key at the top of a config; what is wrong with the file is one message."""
    try:
        print(yamlfile.read_config(path).get(key, default))
    except InputError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(*sys.argv[1:])
