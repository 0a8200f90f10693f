"""Run commands in processes forked from one that has imported the libraries.

TensorFlow takes four seconds of a processor to import, pyarrow and the others half a one, and most tests are not about that. What
runs is the console script's own function, with arguments, environment, working folder and output of its own, and it ends as a
process ends. Our own modules are imported by each command for itself, so that an import which a command lacks is missed here as in a
process started afresh; what a library's preloading could hide is found by `tests/test_imports.py`. A kill or Ctrl-C is sent to such a
process as to any; where the start of a process is the subject, tests start one afresh.
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
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

TOP = Path(__file__).parents[1]
LIGHT = (
    *("bs4", "filelock", "jinja2", "msgspec", "numpy", "requests", "rich.progress", "typer"),
    *("pyarrow.compute", "pyarrow.dataset", "pyarrow.fs", "pyarrow.parquet"),
    *("multiprocessing.connection", "shlex", "tomllib"),
)
OURS = ("catalog", "scraper", "dataset", "training")
SHORT = 10.0  # seconds of each sample of a training step by step

_nurseries: dict[bool, "subprocess.Popen[str]"] = {}  # by whether Keras is in it
_running: list["Started"] = []
_lengths: list[float] = []  # of a sample, as it was before it was shortened


class Started:
    """A command that runs in a process of its own; there is one at a time."""

    def __init__(
        self, arguments: list[str], folder: "tempfile.TemporaryDirectory[str]", nursery: "subprocess.Popen[str]"
    ) -> None:
        self.arguments, self._folder, self._nursery = arguments, folder, nursery

    def is_running(self) -> bool:
        """Return whether it has not ended."""
        return not self._answers(0)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to its process, as soon as there is one."""
        pid = Path(self._folder.name, "pid")
        while not pid.is_file() and self.is_running():
            time.sleep(0.01)
        if self.is_running():
            os.kill(int(pid.read_text()), number)

    def ended(self, timeout: float = 600) -> "subprocess.CompletedProcess[str]":
        """Wait for its end, and return what it said as subprocess.run would."""
        if not self._answers(timeout):
            _end()
            raise subprocess.TimeoutExpired(self.arguments, timeout)
        assert self._nursery.stdout is not None
        answer = self._nursery.stdout.readline()
        if not answer:
            _end()
            raise RuntimeError(f"the process that commands are forked from died under {self.arguments}")
        _running.remove(self)
        with self._folder as folder:
            out, err = (Path(folder, end).read_text(encoding="utf-8") for end in ("out", "err"))
        return subprocess.CompletedProcess(self.arguments, int(answer), out, err)

    def _answers(self, timeout: float) -> bool:
        return bool(select.select([self._nursery.stdout], [], [], timeout)[0])


def command(
    name: str,
    *words: object,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float = 600,
    first: str | None = None,
) -> "subprocess.CompletedProcess[str]":
    """Run the console script `name` with `words`, as subprocess.run would.

    `first`, "module:function", is called before it.
    """
    return start(name, *words, env=env, cwd=cwd, first=first).ended(timeout)


def start(
    name: str,
    *words: object,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    first: str | None = None,
) -> Started:
    """Start the console script `name` with `words`.

    The caller waits for its end before another command.
    """
    if _running:  # of a test that failed before it asked
        _end()
    arguments = [name, *map(str, words)]
    folder = tempfile.TemporaryDirectory(prefix="forked-")
    heavy = name == "train"
    asked = {
        "arguments": arguments,
        "env": dict(os.environ if env is None else env),
        "cwd": str(cwd or Path.cwd()),
        "place": folder.name,
        "heavy": heavy,
        "first": first,
    }
    nursery = _alive(heavy)
    assert nursery.stdin is not None
    nursery.stdin.write(json.dumps(asked) + "\n")
    nursery.stdin.flush()
    _running.append(Started(arguments, folder, nursery))
    return _running[0]


def _alive(heavy: bool) -> "subprocess.Popen[str]":
    """Return the process that is forked from, a new one if it has died.

    The kernel may have killed it for its memory. The commands that need no Keras have one without it: forking copies the
    table of a process's memory, which takes longer than a short command where TensorFlow is in it.
    """
    if heavy in _nurseries and _nurseries[heavy].poll() is not None:
        _end()
    if heavy not in _nurseries:
        if not _nurseries:
            atexit.register(_end)
        line = [sys.executable, "-c", f"from {__name__} import serve; serve()"]
        piped = subprocess.PIPE
        _nurseries[heavy] = subprocess.Popen(
            line, cwd=TOP, stdin=piped, stdout=piped, text=True, start_new_session=True
        )
    return _nurseries[heavy]


def _end() -> None:
    """End the server processes and the processes forked from them."""
    while _nurseries:
        _, process = _nurseries.popitem()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    while _running:
        _running.pop()._folder.cleanup()


def serve() -> None:
    """Fork for each request line and answer with the exit code."""
    for module in LIGHT:
        import_module(module)
    import_module("tests.parser")
    # reading them takes as long as some commands
    scripts = {script.name: script for script in entry_points(group="console_scripts")}
    while line := sys.stdin.readline():
        asked = json.loads(line)
        if asked["heavy"] and "keras" not in sys.modules:
            _load_keras()
        assert not _ours(), "a command would find modules imported that it may not import itself"
        gc.freeze()  # so that no child collects, and thereby copies, what all of them share
        child = os.fork()
        if not child:
            os._exit(
                _ended(_become(asked, scripts))
            )  # the modules are not taken apart, which takes a second where TensorFlow is one
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _load_keras() -> None:
    """Import Keras and TensorFlow with their late imports, as the commands do.

    The vgpiano modules imported on the way are removed again.
    """
    sys.modules["jax"] = None  # type: ignore[assignment]  # TensorFlow would import it, and these commands do not need it
    trace_only()
    del sys.modules["jax"]
    import_module("tensorboardX")
    for name in _ours():
        del sys.modules[name]


def trace_only() -> None:
    """Let TensorFlow run graphs as they are traced, without optimising them first.

    Optimising takes a second of a processor for each graph, and small networks gain nothing by it. Trainings in
    processes of their own, such as those of `tests/test_road.py`, do optimise.
    """
    from training.network.backend import load_keras

    load_keras()
    options = import_module("tensorflow").config.optimizer
    options.set_experimental_options({"disable_meta_optimizer": True})


def _ours() -> list[str]:
    """Return the names of imported vgpiano modules."""
    return [name for name in sys.modules if name.partition(".")[0] in OURS]


def _ended(main: Callable[[], object]) -> int:
    """Run `main` and the exit handlers, and return the exit code of the interpreter."""
    try:
        main()
        code: object = 0
    except SystemExit as end:
        code = end.code
    except Exception:  # noqa: BLE001 - reported as the interpreter does
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


def step_by_step(on: bool = True) -> None:
    """Let TensorFlow compute each step as it is written, without tracing it as a graph first.

    Tracing takes six seconds of a processor, however small the network is; a step without it takes half a second. So
    this is for trainings of a few steps, whose subject is what lies around the steps: files, budgets, commands. Those
    of `tests/training/test_train.py` that are about learning trace, as users' do. The samples are short (`briefly`).
    """
    import_module("tensorflow").config.run_functions_eagerly(on)
    briefly(on)


def briefly(on: bool = True) -> None:
    """Let the samples of a training be short, as those of every forked `train` are.

    A minute of music takes as long as a step to compose, and longer to render. The trainings of `tests/test_road.py`,
    in processes of their own, compose the minute that users get.
    """
    from training import generate

    if on and not _lengths:
        _lengths.append(generate.SAMPLE_SECONDS)
        generate.SAMPLE_SECONDS = SHORT
    elif not on and _lengths:
        generate.SAMPLE_SECONDS = _lengths.pop()


BY_STEP = f"{__name__}:step_by_step"  # for `first`


@contextmanager
def one_lane(by_step: bool = False) -> Iterator[None]:
    """Train in this process as `train` does in a forked one.

    That is on one core, which makes one lane, and without optimising graphs; with `by_step`, without graphs. The
    samples are short.
    """
    before = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    _pin()
    try:
        trace_only()
        step_by_step(by_step)
        briefly()
        yield
    finally:
        step_by_step(False)
        if before:
            os.sched_setaffinity(0, before)


def _pin() -> None:
    """Pin this process to one core, a different one for each worker.

    Building the graph of a small network then takes half the time: a batch is not divided into lanes.
    """
    if hasattr(os, "sched_setaffinity"):  # not on macOS
        mine = sorted(os.sched_getaffinity(0))
        worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
        os.sched_setaffinity(0, {mine[worker % len(mine)]})


def _become(asked: dict[str, object], scripts: Mapping[str, EntryPoint]) -> Callable[[], object]:
    """Take on the command's output, environment and folder; return its function."""
    place = str(asked["place"])
    for number, end in ((0, os.devnull), (1, f"{place}/out"), (2, f"{place}/err")):
        how = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        os.dup2(os.open(end, how, 0o644), number)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where the tests run in the background of a shell
    Path(place, "begun").write_text(str(os.getpid()))
    Path(place, "begun").rename(f"{place}/pid")
    sys.stdin = os.fdopen(0, closefd=False)
    encoding = asked["env"].get("PYTHONIOENCODING", "utf-8")  # type: ignore[attr-defined]
    sys.stdout, sys.stderr = (os.fdopen(number, "w", encoding=encoding, closefd=False) for number in (1, 2))
    os.environ.clear()
    os.environ.update(asked["env"])  # type: ignore[call-overload]
    os.chdir(str(asked["cwd"]))
    if asked["heavy"]:
        _pin()
        briefly()
    random.seed()
    tempfile.tempdir = None
    arguments = asked["arguments"]
    assert isinstance(arguments, list)
    sys.argv = [str(Path(sys.executable).with_name(arguments[0])), *arguments[1:]]
    if asked["first"] is not None:
        module, _, function = str(asked["first"]).partition(":")
        getattr(import_module(module), function)()
    main: Callable[[], object] = scripts[arguments[0]].load()
    return main
