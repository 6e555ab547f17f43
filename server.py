"""The command's entrance: `python server.py COMMAND`; `--help` lists the commands."""

import sys

from serving.app import end_within
from serving.cli import main

if __name__ == "__main__":
    exit_code = main(sys.argv[1:])
    end_within(2, exit_code)
    sys.exit(exit_code)
