"""What README and the pages say can be followed: their nav, their commands and their picture."""

from tests.docs import rules
from tests.docs.pages import DOCS, TOP, Block, blocks, nav, pages
from tests.docs.walk import commands


def test_every_page_is_in_the_nav_and_so_is_read() -> None:
    lying = {str(path.relative_to(TOP)) for path in DOCS.rglob("*.md")}
    assert lying == set(pages()) - {"README.md"}
    assert len(set(nav())) == len(nav())


def test_each_rule_is_needed_and_what_is_run_elsewhere_is_run_there() -> None:
    shown = [" ".join(words) for block in every("sh") for line in block.text.splitlines() for words in commands(line)]
    for rule in rules.ELSEWHERE:
        assert rule.word in (TOP / rule.file).read_text(), f"{rule.file} says nothing of {rule.word}"
        if "KERAS" not in rule.pattern:
            assert any(rules.elsewhere(command) is rule for command in shown), f"no page shows {rule.pattern}"


def test_the_three_uses_stand_in_the_readme_word_for_word() -> None:
    shown = [line.partition("#")[0].strip() for block in blocks("README.md") for line in block.text.splitlines()]
    assert [line for line in shown if line][:5] == [
        "make demo",
        "make test",
        "make scrape",
        "dataset build --game ocarina",
        "train --query \"series == 'zelda'\"",
    ]


def test_what_a_page_shows_as_a_picture_is_there_and_small() -> None:
    picture = DOCS / "run.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size < 300_000


def every(language: str) -> list[Block]:
    return [block for page in pages() for block in blocks(page) if block.language == language]
