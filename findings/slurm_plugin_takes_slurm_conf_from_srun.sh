#!/usr/bin/env bash
# Guess: a job that Snakemake submits to Slurm runs in the environment of the submission (the plugin
#   passes --export=ALL), and an account that is not named is guessed from the user's last job.
# Seen: SLURM_CONF reaches the job and is taken away before srun, with every other SLURM_ variable
#   but ten: where it is what names the cluster's configuration, sbatch works and each job dies with
#   "srun: fatal: Could not establish a configuration source". And no account is ever guessed: the
#   command "sacct ... | tail -1" is started without a shell, so that sacct is given "|", "tail" and
#   "-1", refuses them ("invalid option"), and the run goes on without an account.
# Package: snakemake-executor-plugin-slurm 2.8.0 with slurm-jobstep 0.6.1, snakemake 9.27.1
# Source: seen first on Slurm 22.05.8; here scripts stand for srun and sacct and note what they get.
#   The plugin's page says of neither. snakemake_executor_plugin_slurm_jobstep/__init__.py,
#   snakemake_executor_plugin_slurm/accounts.py.
# Matters: sites with several clusters, and test clusters, choose one by SLURM_CONF; where accounts
#   are charged, jobs go to the default one.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check snakemake==9.27.1 \
    snakemake-executor-plugin-slurm==2.8.0 snakemake-executor-plugin-slurm-jobstep==0.6.1

mkdir "$work/bin"
cat > "$work/bin/srun" <<'SRUN'
#!/bin/sh
echo "${SLURM_CONF-none} ${SLURM_JOB_ID-none}" > srun.seen
SRUN
cat > "$work/bin/sacct" <<'SACCT'
#!/bin/sh
for argument in "$@"; do echo "$argument"; done > sacct.seen
echo "sacct: invalid option -- '1'" >&2
exit 1
SACCT
chmod +x "$work/bin/srun" "$work/bin/sacct"
cd "$work"
export PATH="$work/bin:$work/venv/bin:$PATH" XDG_CACHE_HOME="$work/cache"

printf 'rule one:\n    shell: "true"\n' > Snakefile
SLURM_CONF=/etc/second/slurm.conf SLURM_JOB_ID=7 \
    snakemake --executor slurm-jobstep --jobs 1 one > run.log 2>&1 || true
python - <<'PYTHON'
import logging

from snakemake_executor_plugin_slurm.accounts import get_account

print("account:", get_account(logging.getLogger("guess")))
PYTHON

python - <<'PYTHON'
import sys
from importlib.metadata import version
from pathlib import Path

for name in ("", "-jobstep"):
    package = f"snakemake-executor-plugin-slurm{name}"
    print(package, version(package))
seen = Path("srun.seen").read_text().split()
asked = Path("sacct.seen").read_text().split("\n")[:-1]
print("srun was given SLURM_CONF:", seen[0], "and SLURM_JOB_ID:", seen[1])
print("sacct was given:", asked)
if seen != ["none", "7"]:
    sys.exit("The behaviour has changed: srun is given SLURM_CONF, or no SLURM_JOB_ID")
if asked[-3:] != ["|", "tail", "-1"]:
    sys.exit("The behaviour has changed: sacct is not given the pipe as arguments")
PYTHON
