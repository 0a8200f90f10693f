"""If the process that commands are forked from dies, at most one command fails."""

import os
import signal

import pytest

from tests import forked


def test_where_it_has_died_the_next_command_gets_another() -> None:
    assert forked.command("dataset", "--version").returncode == 0
    nursery = forked._nurseries[False]
    os.kill(nursery.pid, signal.SIGKILL)
    nursery.wait()
    assert forked.command("dataset", "--version").returncode == 0


def test_the_command_that_runs_as_it_dies_fails_in_plain_words_and_the_next_one_works() -> None:
    started = forked.start("scrape", "--version")
    os.kill(forked._nurseries[False].pid, signal.SIGKILL)
    with pytest.raises(RuntimeError, match="forked from died under"):
        started.ended()
    assert forked.command("scrape", "--version").stdout.startswith("scrape (vgpiano)")


def test_a_command_that_is_killed_ends_by_the_signal_and_one_that_nobody_asked_after_stands_in_no_way() -> None:
    started = forked.start("dataset", "--version", first="time:sleep_for_ever")
    assert started.ended().returncode == 1  # which is no function
    started = forked.start("dataset", "--version", first="signal:pause")
    started.send_signal(signal.SIGKILL)
    assert started.ended().returncode == -signal.SIGKILL
    forked.start("dataset", "--version", first="signal:pause")
    assert forked.command("dataset", "--version").returncode == 0
