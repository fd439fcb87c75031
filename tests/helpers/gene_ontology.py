"""A small ontology and annotations of it, drawn with a pencil.

    biological_process (0001)         molecular_function (0010)
      |           |                        |
    alpha (0002)  beta (0003)            binding (0011): part of gamma; it has_part delta,
      |    \\      /                       which makes delta no parent
      |    gamma (0004)
      |      |   ^
      +--- delta (0005)
             ^
           part_of
             |
           epsilon (0006, is_a beta)

Levels along is_a: alpha, beta 1; gamma 2; delta 2 (by alpha) at depth 3 (by gamma); epsilon 2.
"""

OBO = """\
format-version: 1.2
data-version: releases/2026-01-01
default-namespace: biological_process

[Term]
id: GO:0000005
name: delta
def: "A step. is_a: nothing here counts." [GOC:x]
is_a: GO:0000004 ! gamma
is_a: GO:0000002 {source="GOC:x"} ! alpha

[Term]
id: GO:0000001
name: biological_process

[Term]
id: GO:0000002
name: alpha
is_a: GO:0000001 ! biological_process

[Term]
id: GO:0000003
name: beta
alt_id: GO:0000033
is_a: GO:0000001

[Term]
id: GO:0000004
name: gamma
is_a: GO:0000003 ! beta
is_a: GO:0000002 ! alpha
is_a: GO:0000099 ! not in this file

[Term]
id: GO:0000006
name: epsilon
is_a: GO:0000003
relationship: part_of GO:0000005 ! delta

[Term]
id: GO:0000007
name: obsolete zeta
is_obsolete: true
replaced_by: GO:0000004

[Term]
id: GO:0000008
name: obsolete eta
is_obsolete: true
consider: GO:0000004

[Term]
id: GO:0000010
name: molecular_function
namespace: molecular_function

[Term]
id: GO:0000011
name: binding
namespace: molecular_function
is_a: GO:0000010
relationship: has_part GO:0000005
relationship: part_of GO:0000004 ! gamma

[Typedef]
id: part_of
name: part of
xref: BFO:0000050
"""


def gaf_line(symbol, term, *, qualifier="involved_in", evidence="IDA", accession=None):
    """One line of a GAF 2.2 file."""
    accession = accession or f"P_{symbol}"
    return "\t".join(
        (
            *("UniProtKB", accession, symbol, qualifier, term, "PMID:1", evidence, "", "P"),
            *("", "", "protein", "taxon:9606", "20260101", "X", "", ""),
        )
    )


GAF = (
    "\n".join(
        (
            "!gaf-version: 2.2",
            "!generated-by: pencil",
            gaf_line("G1", "GO:0000002"),
            gaf_line("G2", "GO:0000005"),
            gaf_line("G2", "GO:0000005", evidence="IEA"),
            gaf_line("G3", "GO:0000006", evidence="IEA"),
            gaf_line("G4", "GO:0000033"),
            gaf_line("G5", "GO:0000005", qualifier="NOT|involved_in"),
            gaf_line("G6", "GO:0000007"),
            gaf_line("G6", "GO:0000008"),
            gaf_line("G7", "GO:0000011"),
            gaf_line("G8", "GO:0000077"),
            gaf_line("G9", "GO:0000001", evidence="ND"),
        )
    )
    + "\n"
)

DIRECT = (
    "go_id\tgo_name\tgene_ids\tgene_symbols\n"
    "GO:0000005\tdelta\t2|22\tG2|G22\n"
    "GO:0000033\tan earlier id\t4\tG4\n"
)
