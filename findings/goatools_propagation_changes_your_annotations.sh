#!/usr/bin/env bash
# Guess: GOEnrichmentStudy(propagate_counts=True) passes annotations up to parent terms for its own
#   use; the dict that was handed in stays as it was.
# Seen: the dict itself is extended. A second study of the same dict with propagate_counts=False is
#   propagated all the same: the parent has 12 genes in place of 4, and a term of the top that
#   nobody was annotated to appears in the results.
# Package: goatools 1.6.7
# Source: goatools/anno/update_association.py writes the ancestors into the sets of its argument.
#   Propagation is documented, the change of the argument is not.
# Matters: comparing direct with propagated annotations, or running one study per feature and
#   convention from one dict, gives results that depend on which study ran first.
set -euo pipefail

export OMP_NUM_THREADS=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    goatools==1.6.7 numpy==2.4.6 pandas==2.3.3 scipy==1.17.1

cat > "$work/check.py" <<'PYTHON'
import contextlib
import io
import sys
from importlib.metadata import version

from goatools.go_enrichment import GOEnrichmentStudy
from goatools.obo_parser import GODag


def require(condition, what):
    if not condition:
        sys.exit(f"The behaviour has changed: {what}")


TERMS = """format-version: 1.2
ontology: go

[Term]
id: GO:0000001
name: top
namespace: biological_process

[Term]
id: GO:0000002
name: parent
namespace: biological_process
is_a: GO:0000001 ! top

[Term]
id: GO:0000003
name: child
namespace: biological_process
is_a: GO:0000002 ! parent
"""
with open("small.obo", "w") as file:
    file.write(TERMS)
population = [f"gene{i}" for i in range(100)]


def annotations():
    to_child = {f"gene{i}": {"GO:0000003"} for i in range(8)}
    return to_child | {f"gene{i}": {"GO:0000002"} for i in range(8, 12)}


def study(given, propagate):
    with contextlib.redirect_stdout(io.StringIO()):
        dag = GODag("small.obo", prt=None)
        results = GOEnrichmentStudy(
            population, given, dag, propagate_counts=propagate, methods=["fdr_bh"]
        ).run_study(population[:6])
    return {r.GO: r.ratio_in_pop[0] for r in results}


print("goatools", version("goatools"))
fresh = study(annotations(), propagate=False)
print("genes of each term, not propagated:", fresh)
given = annotations()
before = {gene: set(terms) for gene, terms in given.items()}
print("propagated:", study(given, propagate=True))
after = study(given, propagate=False)
print("not propagated, same dict again:", after)
print("gene0 was", sorted(before["gene0"]), "and is", sorted(given["gene0"]))

require(given != before, "the annotations given are left as they were")
require(
    after["GO:0000002"] == 12 and fresh["GO:0000002"] == 4, "the second study is not propagated"
)
require("GO:0000001" in after and "GO:0000001" not in fresh, "the top term does not appear")
PYTHON

(cd "$work" && venv/bin/python check.py)
