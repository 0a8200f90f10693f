"""Our commands in processes of their own, forked from one that has imported the libraries they need, and none of our modules.

TensorFlow takes four seconds of a processor to import, pyarrow and the others half a one, and most tests are not about that. What
runs is the console script's own function, with arguments, environment, working folder and output of its own, and it ends as a
process ends. Our own modules are imported by each command for itself, so that an import which a command lacks is missed here as in a
process started afresh; what a library's preloading could hide is found by `tests/test_imports.py`. Where the start of a process, a
kill or Ctrl-C is the subject, tests start one afresh.
"""

import atexit
import gc
import json
import os
import random
import select
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

TOP = Path(__file__).parents[1]
LIGHT = (
    *("bs4", "filelock", "jinja2", "msgspec", "numpy", "requests", "rich.progress", "typer"),
    *("pyarrow.compute", "pyarrow.dataset", "pyarrow.fs", "pyarrow.parquet"),
    *("multiprocessing.connection", "shlex", "tomllib", "xml.sax.saxutils"),
)
OURS = ("catalog", "scraper", "dataset", "training")

_nursery: list["subprocess.Popen[str]"] = []


def command(
    name: str,
    *words: object,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float = 120,
    first: str | None = None,
) -> "subprocess.CompletedProcess[str]":
    """Run the console script `name` with `words` to its end, as subprocess.run would; `first`, "module:function", is called before it."""
    arguments = [name, *map(str, words)]
    with tempfile.TemporaryDirectory(prefix="forked-") as folder:
        asked = {
            "arguments": arguments,
            "env": dict(os.environ if env is None else env),
            "cwd": str(cwd or Path.cwd()),
            "out": f"{folder}/out",
            "err": f"{folder}/err",
            "heavy": name == "train",
            "first": first,
        }
        code = _forked(json.dumps(asked), arguments, timeout)
        out, err = (Path(folder, end).read_text(encoding="utf-8") for end in ("out", "err"))
    return subprocess.CompletedProcess(arguments, code, out, err)


def _forked(asked: str, arguments: list[str], timeout: float) -> int:
    if not _nursery:
        line = [sys.executable, "-c", f"from {__name__} import serve; serve()"]
        _nursery.append(
            subprocess.Popen(
                line, cwd=TOP, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
            )
        )
        atexit.register(_end)
    process = _nursery[0]
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(asked + "\n")
    process.stdin.flush()
    ready, _, _ = select.select([process.stdout], [], [], timeout)
    if not ready:
        _end()
        raise subprocess.TimeoutExpired(arguments, timeout)
    return int(process.stdout.readline())


def _end() -> None:
    """End the process that is forked from, and what it has forked."""
    while _nursery:
        process = _nursery.pop()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def serve() -> None:
    """Fork for each line asked and answer with the exit code."""
    for module in LIGHT:
        import_module(module)
    while line := sys.stdin.readline():
        asked = json.loads(line)
        if asked["heavy"] and "keras" not in sys.modules:
            _load_keras()
        assert not _ours(), "a command would find modules imported that it may not import itself"
        gc.freeze()  # so that no child collects, and thereby copies, what all of them share
        child = os.fork()
        if not child:
            os._exit(
                _ended(_become(asked))
            )  # the modules are not taken apart, which takes a second where TensorFlow is one
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _load_keras() -> None:
    """Import Keras and TensorFlow with what Keras loads late, as our commands do, and forget the modules of ours that did so."""
    from training.network.backend import load_keras

    load_keras()
    import_module("tensorboardX")
    for name in _ours():
        del sys.modules[name]


def _ours() -> list[str]:
    """Return which of our modules are imported here."""
    return [name for name in sys.modules if name.partition(".")[0] in OURS]


def _ended(main: Callable[[], object]) -> int:
    """Run `main` and what is to be run at the end of a process, and return the exit code, as the interpreter does."""
    try:
        main()
        code: object = 0
    except SystemExit as end:
        code = end.code
    except Exception:  # noqa: BLE001 - told as the interpreter tells it
        traceback.print_exc()
        code = 1
    if isinstance(code, str):
        print(code, file=sys.stderr)
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return code if isinstance(code, int) else int(code is not None)


def _pin() -> None:
    """Keep to one core, another for each worker: a small network's graph is built for one lane, a quarter sooner."""
    if hasattr(os, "sched_setaffinity"):  # not on macOS
        mine = sorted(os.sched_getaffinity(0))
        worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
        os.sched_setaffinity(0, {mine[worker % len(mine)]})


def _become(asked: dict[str, object]) -> Callable[[], object]:
    """Be the process of the command: its output, its environment, its folder; return its function."""
    for number, end in ((0, os.devnull), (1, asked["out"]), (2, asked["err"])):
        how = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        os.dup2(os.open(str(end), how, 0o644), number)
    sys.stdin = os.fdopen(0, closefd=False)
    encoding = asked["env"].get("PYTHONIOENCODING", "utf-8")  # type: ignore[attr-defined]
    sys.stdout, sys.stderr = (os.fdopen(number, "w", encoding=encoding, closefd=False) for number in (1, 2))
    os.environ.clear()
    os.environ.update(asked["env"])  # type: ignore[call-overload]
    os.chdir(str(asked["cwd"]))
    if asked["heavy"]:
        _pin()
    random.seed()
    tempfile.tempdir = None
    arguments = asked["arguments"]
    assert isinstance(arguments, list)
    sys.argv = [str(Path(sys.executable).with_name(arguments[0])), *arguments[1:]]
    if asked["first"] is not None:
        module, _, function = str(asked["first"]).partition(":")
        getattr(import_module(module), function)()
    [script] = entry_points(group="console_scripts", name=arguments[0])
    main: Callable[[], object] = script.load()
    return main
