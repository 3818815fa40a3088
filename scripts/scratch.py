"""An environment of its own for a script's packages."""
import os
import subprocess
import sys


def in_scratch_environment(folder, packages, script):
    """Runs `script --inside` with its own arguments where `packages` are: an environment in `folder`, or,
    on a Python that cannot make one, a folder of packages there. Ends this process with its exit code."""
    python, own = folder / "bin" / "python", folder / "packages"
    if not python.exists() and not own.exists():
        made = subprocess.call([sys.executable, "-m", "venv", folder], stdout=subprocess.DEVNULL)
        if made != 0:
            own.mkdir(parents=True, exist_ok=True)
    environment, where = dict(os.environ), []
    if own.exists():
        python, where = sys.executable, ["--target", own]
        environment["PYTHONPATH"] = str(own)
    subprocess.check_call([python, "-m", "pip", "install", "--quiet", *where, *packages])
    again = [python, script, "--inside", *sys.argv[1:]]
    sys.exit(subprocess.call(again, env=environment))
