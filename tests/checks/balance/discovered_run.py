"""What is written of a run whose service has no pages of its own, or discovered replicas."""

import json

from scenarios.evidence.run_folder import RunFolder
from tests.evidence_factory import BEGIN, END
from witnesses.prometheus.collection import CollectionRecord

OTHER = ("shop", "shop:81")
DISCOVERED = CollectionRecord(
    False, BEGIN, END, END + 30, 0.0, 5.0, jobs={"shop": "shop"}, discovered=["shop"]
)


def write_no_pages(folder: RunFolder, *, unasked: str = "") -> None:
    """Write that the shop's pages are declared absent, or why those discovered were not asked."""
    why = {"unasked": unasked} if unasked else {"is_declared_absent": True}
    index = json.dumps({"shop": {"service": "shop", **why}}).encode()
    for moment in ("before", "after"):
        folder.write_witness_file(f"service/{moment}/index.json", index)
