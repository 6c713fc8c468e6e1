"""The suite that the documentation shows passes, run by pytest as a reader would run it."""

import os
import subprocess
import sys

from tests.docs.pages import ROOT, runnable


def test_the_suite_of_test_your_handlers_passes(tmp_path):
    (tmp_path / "test_page.py").write_text(
        runnable(ROOT / "docs" / "how-to" / "test-your-handlers.md"), "utf-8"
    )
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith(("WEBHOOKS_", "PYTEST"))
    }

    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:asyncio"],
        cwd=tmp_path,
        env={**environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "5 passed" in ran.stdout
