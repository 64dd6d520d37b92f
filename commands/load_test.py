"""Print the table of a load test, from the document that `run.py load --json` prints."""

import json
import sys
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Print the table of a result in a file; 1 with one sentence if it cannot be read.

    A result that refuses the command needs no table: run.py has printed the reason.
    """
    path, runs = (Path(argument) for argument in arguments)
    try:
        document = json.loads(path.read_bytes())
        if isinstance(document, dict) and "problems" in document:
            return 0
        from checks.result_document import read_result  # half a second, for a result only

        result = read_result(path)
    except (OSError, ValueError):
        print("load test: run.py's result cannot be read, so nothing is proven", file=sys.stderr)
        return 1
    from reports.load_test import render_load_test
    from reports.terminal_output import paper_of

    report = runs / result.run_id / "report.html"
    sys.stdout.write(render_load_test(result, report, paper_of(sys.stdout)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
