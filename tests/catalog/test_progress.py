"""Progress without a terminal: plain lines, also while the work is busy, and its stages."""

import time

import pytest

from catalog.base.console import Progress, stage

INTERVAL_S = 0.05


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.base.console.PLAIN_INTERVAL_S", INTERVAL_S)


def test_work_that_does_not_call_for_a_while_is_still_heard_of(capsys: pytest.CaptureFixture[str]) -> None:
    def wait_for(line: str) -> None:
        deadline = time.monotonic() + 30
        while line not in capsys.readouterr().err.splitlines():
            assert time.monotonic() < deadline, line
            time.sleep(INTERVAL_S)

    with Progress("reading") as progress:
        time.sleep(2 * INTERVAL_S)
        assert capsys.readouterr().err == ""  # work that has not called yet may be short
        progress(3, 10)
        wait_for("reading: 3 of 10")  # by the call
        wait_for("reading: 3 of 10")
        stage(progress, "sorting")(0, 0)
        wait_for("sorting …")
    capsys.readouterr()
    time.sleep(3 * INTERVAL_S)
    assert capsys.readouterr().err == ""


def test_each_stage_has_its_label_and_a_plain_function_hears_only_of_the_first(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.base.console.PLAIN_INTERVAL_S", 0.0)
    with Progress("parsing") as progress:
        progress(1, 2)
        comparing = stage(progress, "comparing")
        stage(comparing, "indexing")(1, 3)
        comparing(2, 4)
    assert capsys.readouterr().err.splitlines() == ["parsing: 1 of 2", "indexing: 1 of 3", "comparing: 2 of 4"]
    heard: list[tuple[int, int]] = []
    stage(lambda done, total: heard.append((done, total)), "comparing")(1, 2)
    assert heard == []
