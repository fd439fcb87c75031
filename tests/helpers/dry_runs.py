"""What Snakemake would run in a folder, read from what it prints."""

import re

from clones import run_snakemake


def dry_run(folder, *arguments):
    """Why Snakemake would run each job, by rule and wildcards; and all that it prints."""
    done = run_snakemake(folder, "-n", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    blocks = re.split(r"^(?:local)?rule (\w+):\n", done.stdout, flags=re.MULTILINE)[1:]
    reasons = {}
    for rule, text in zip(blocks[::2], blocks[1::2], strict=True):
        head = text.split("\n\n")[0]
        said = dict(re.findall(r"^ +(reason|wildcards): (.*)$", head, re.MULTILINE))
        if "reason" in said:
            reasons[rule, said.get("wildcards", "")] = said["reason"]
    return reasons, done.stdout + done.stderr


def planned(folder, *arguments):
    """Values of the wildcards of every job that Snakemake would run, joined by "/", by rule."""
    jobs = {}
    for rule, wildcards in dry_run(folder, *arguments)[0]:
        values = (part.partition("=")[2] for part in wildcards.split(", "))
        jobs.setdefault(rule, set()).add("/".join(values))
    return jobs
