"""What is computed again is computed by other ways: nothing of the writers is loaded."""

import subprocess
import sys

PROGRAM = """
import sys
import fedasr.verification.verdict, fedasr.verification.officer_page
print(*sorted({name.split(".")[1] for name in sys.modules if name.startswith("fedasr.")}))
print(*sorted({name.partition(".")[0] for name in sys.modules} & {"dp_accounting", "jiwer", "opacus", "torch", "flwr"}))
"""


def test_nothing_of_the_writers_is_loaded() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    own, libraries = done.stdout.splitlines()
    assert own == "common verification"
    assert libraries == ""
