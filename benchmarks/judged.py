"""One process that judges a run and makes its page: `python -m benchmarks.judged FOLDER`.

Prints as JSON the seconds of the processor that each took, and the most memory that was held.
"""

import json
import resource
import sys
import time
from pathlib import Path

from peerlab.evidence.reading import Evidence
from peerlab.recorded import judge_evidence
from peerlab.report.html import REPORT, write_report


def main(folder: Path) -> None:
    began = time.process_time()
    evidence = Evidence(folder)
    result = judge_evidence(evidence)
    judged = time.process_time()
    write_report(result, folder / REPORT, evidence)
    reported = time.process_time()
    told = {
        "judge": judged - began,
        "report": reported - judged,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "page": (folder / REPORT).stat().st_size,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
