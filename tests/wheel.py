"""The wheel of this checkout, and an environment in which it is installed."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

TOP = Path(__file__).parents[1]
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", "data", "dist", "build", "*.egg-info", "__pycache__", ".*_cache", ".hypothesis"
)


def build(folder: Path) -> None:
    """Write the sdist, and the wheel built from it, into `folder`, without an index.

    Uses the installed setuptools.
    """
    copy = shutil.copytree(TOP, folder / "source", ignore=LEFT_OUT)
    line = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(copy)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.rmtree(copy)


def install(wheel: Path, folder: Path) -> None:
    """Create an environment in `folder` with the wheel installed by pip.

    Its dependencies are the packages of this Python, without downloads.
    """
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    line = ["-m", "pip", "--python", str(python), "install", "--quiet", "--no-index", "--no-deps", str(wheel)]
    subprocess.run([sys.executable, *line], check=True, env=alone())
    [packages] = (folder / "lib").glob("python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")


def alone(**more: str) -> dict[str, str]:
    """Return the environment variables of this process without settings of vgpiano.

    Variables that lead Python to the checkout, or commands to a data root or a site, are removed.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VGPIANO_"))}
    return kept | more
