"""The program as it is installed: the packages of the harness lie inside this folder.

They are imported by their own names, `config` or `checks`, so their folder is put first on the
path. Only `trial_balance` stands in site-packages, and collides with nobody's packages.
"""

import sys
from pathlib import Path
from runpy import run_module


def main() -> None:
    """Run the program with the arguments of this process."""
    folder = Path(__file__).resolve().parent
    # a checkout, where an editable install leads, has the packages beside this folder
    home = folder if (folder / "run.py").is_file() else folder.parent
    sys.path.insert(0, str(home))
    run_module("run", run_name="__main__")
