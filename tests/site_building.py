"""The documents' site, built in both languages as `make docs` builds it."""

import subprocess
import sys
from pathlib import Path

from small_runs import ROOT, environment


def built_site(folder: Path) -> Path:
    """English with Chinese in its `zh`; an AssertionError says what mkdocs did not like."""
    building = []
    for language, config in (("en", "mkdocs.yml"), ("zh", "mkdocs.zh.yml")):
        command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet"]
        place = ["--config-file", ROOT / "docs" / config, "--site-dir", folder / language]
        env = environment() | {"NO_MKDOCS_2_WARNING": "1"}
        out = subprocess.PIPE
        building.append(subprocess.Popen([*command, *place], env=env, stdout=out, stderr=subprocess.STDOUT))
    for process in building:
        told, _ = process.communicate(timeout=180)
        assert process.returncode == 0, told.decode()
    return (folder / "zh").rename(folder / "en" / "zh").parent
