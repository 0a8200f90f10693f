"""A hook of MkDocs that adds pages from outside `docs/`, and adapts their links."""

import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

TOP = Path(__file__).parents[2]
BESIDE = ("CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/*.md")
COMPARES = "How it compares"  # the heading in the nav
FIGURES = re.compile("<!-- figures: begin -->\n(.*)<!-- figures: end -->", re.DOTALL)  # the README's table
UP = re.compile(r"\]\((?:\.\./)+((?:CONTRIBUTING|CHANGELOG|benchmarks/[\w-]+)\.md)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add the benchmarks' results, if there are any, to the nav's part on comparison."""
    measured = [path.relative_to(TOP).as_posix() for path in sorted(TOP.glob("benchmarks/*.md"))]
    for part in config.nav or []:
        if COMPARES in part:
            part[COMPARES] += measured
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add pages from outside `docs/`, at their path within the repository."""
    for pattern in BESIDE:
        for path in sorted(TOP.glob(pattern)):
            files.append(
                File.generated(
                    config, path.relative_to(TOP).as_posix(), content=path.read_text().replace("](docs/", "](")
                )
            )
    found = FIGURES.search((TOP / "README.md").read_text())
    if found is None:
        raise PluginError("README.md: put its table between <!-- figures: begin --> and <!-- figures: end -->")
    content = f"# Figures\n\n{found[1].replace('](docs/', '](')}"
    files.append(File.generated(config, "figures.md", content=content))
    return files


def on_page_markdown(markdown: str, *, page: Any, config: MkDocsConfig, files: Files) -> str:
    """Return the page with links out of `docs/` as links within the site.

    They have one `../` less.
    """
    up = "../" * page.file.src_uri.count("/")
    markdown = markdown.replace("](../README.md#figures)", f"]({up}figures.md)")
    return UP.sub(rf"]({up}\1", markdown)
