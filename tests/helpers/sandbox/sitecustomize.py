"""Only what a job declares is in its sight: Python reads this file when it starts.

With this folder on PYTHONPATH and FEATURELENS_SANDBOX naming a folder, the script of every job
works in a folder of its own. Its declared inputs are links there; what it declares as outputs and
logs is moved to where it belongs when the script ends. A file that a job does not declare is not
found if it reads it, and reported if it writes it. One record a job says so, and which modules it
loaded. Folders that jobs share by way of their params are links as well: see SHARED.

Jobs may begin in copies of one process (:mod:`featurelens.starts`), which has loaded the library
already: in each copy it is forgotten again, so that what a job loads of it is known.
"""

import atexit
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

SHARED = ("store", "journal")
"""Params with places that jobs add to and that no rule declares, because Snakemake would delete
them when a job fails: the finished points of a sweep, the trials of a search."""


def declared(files):
    return [Path(file) for file in files if not Path(file).is_absolute()]


def link(path, home):
    """Link a file or folder into the sandbox, where one is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_symlink():
        path.symlink_to(home / path)


def enter(job):
    """Go to a folder that holds links to a job's inputs and room for its outputs."""
    home, sandbox = Path.cwd(), Path(tempfile.mkdtemp(dir=os.environ["FEATURELENS_SANDBOX"]))
    os.chdir(sandbox)
    for path in declared(job.input):
        link(path, home)
    for name in SHARED:
        if (path := job.params.get(name)) is not None:
            folder = Path(path) if name == "store" else Path(path).parent
            (home / folder).mkdir(parents=True, exist_ok=True)
            link(folder, home)
    made = declared([*job.output, *job.log])
    for path in made:
        path.parent.mkdir(parents=True, exist_ok=True)
    atexit.register(leave, job, home, sandbox, made)


def leave(job, home, sandbox, made):
    """Move what was made to where it belongs, and say what else was."""
    os.chdir(home)
    for path in made:
        if (sandbox / path).exists():
            shutil.move(sandbox / path, home / path)
    left = [path for path in sandbox.rglob("*") if path.is_file() and not path.is_symlink()]
    code = job.params.get("code")
    record = {
        "rule": job.rule,
        "wildcards": dict(job.wildcards.items()),
        "codes": [code] if isinstance(code, str) else list(code or ()),
        "undeclared": [str(path.relative_to(sandbox)) for path in left],
        "modules": sorted(name for name in sys.modules if name.split(".")[0] == "featurelens"),
    }
    sandbox.with_suffix(".json").write_text(json.dumps(record))
    shutil.rmtree(sandbox)


def watch(event, arguments):
    """When a script imports the library for the first time, its job is known."""
    global waiting
    if waiting and event == "import" and arguments[0] == "featurelens":
        waiting = False
        if (job := getattr(sys.modules["__main__"], "snakemake", None)) is not None:
            enter(job)


def begin():
    """Wait for the library to be imported."""
    global waiting
    waiting = True
    sys.addaudithook(watch)


def begin_in_copies():
    """Have every copy of this process import the library for itself, and wait for that."""
    original = os.getpid()

    def forget():
        if os.getppid() == original:
            for name in [name for name in sys.modules if name.split(".")[0] == "featurelens"]:
                del sys.modules[name]
            begin()

    os.register_at_fork(after_in_child=forget)


waiting = False
if __name__ == "sitecustomize" and "FEATURELENS_SANDBOX" in os.environ:
    if "featurelens.starts.server" in sys.orig_argv:
        begin_in_copies()
    else:
        begin()
