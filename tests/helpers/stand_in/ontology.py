"""A small Gene Ontology and annotations of the planted genes.

Names and ids of terms are the Gene Ontology's where a name has meaning; terms of random genes, ids
from GO:9000000 on, are made up. Annotations are direct: what is annotated to a term is not repeated
at its ancestors.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stand_in.genes import programs, symbols

BP, MF, CC = "biological_process", "molecular_function", "cellular_component"
ROOTS = {BP: "GO:0008150", MF: "GO:0003674", CC: "GO:0005575"}


class Term(NamedTuple):
    """A term: its place in the ontology, and the programs whose genes it has."""

    id: str
    name: str
    namespace: str
    parents: tuple[str, ...]
    genes: tuple[str, ...] = ()


GROUPS = {
    BP: {
        "GO:0009987": "cellular process", "GO:0008152": "metabolic process",
        "GO:0065007": "biological regulation", "GO:0051179": "localization",
        "GO:0050896": "response to stimulus", "GO:0032502": "developmental process",
        "GO:0002376": "immune system process", "GO:0042592": "homeostatic process",
        "GO:0032501": "multicellular organismal process", "GO:0040007": "growth",
    },
    MF: {
        "GO:0005488": "binding", "GO:0003824": "catalytic activity",
        "GO:0005215": "transporter activity", "GO:0060089": "molecular transducer activity",
        "GO:0140104": "molecular carrier activity",
    },
    CC: {"GO:0110165": "cellular anatomical entity"},
}  # fmt: skip
"""Terms of level 1."""

_PLANTED = """
GO:0015669 | gas transport                          | BP | GO:0051179 | haemoglobin carriers
GO:0015671 | oxygen transport                       | BP | GO:0015669 | haemoglobin
GO:0015670 | carbon dioxide transport               | BP | GO:0015669 | carriers
GO:0030218 | erythrocyte differentiation            | BP | GO:0032502 | red_cell
GO:0048821 | erythrocyte development                | BP | GO:0030218 | red_cell haemoglobin
GO:0050801 | monoatomic ion homeostasis             | BP | GO:0042592 | ions
GO:0055072 | iron ion homeostasis                   | BP | GO:0050801 | ions
GO:0035456 | response to interferon-beta            | BP | GO:0050896 | interferon
GO:0051607 | defense response to virus              | BP | GO:0002376 | interferon
GO:0036413 | histone H3-R26 citrullination          | BP | GO:0008152 | citrullination
GO:0034142 | toll-like receptor 4 signaling pathway | BP | GO:0002376 | pattern
GO:0030101 | natural killer cell activation         | BP | GO:0002376 | nk
GO:0001909 | leukocyte mediated cytotoxicity        | BP | GO:0002376 | cytotoxic
GO:0042113 | B cell activation                      | BP | GO:0002376 | b_cell
GO:0042110 | T cell activation                      | BP | GO:0002376 | t_cell activated
GO:0019882 | antigen processing and presentation    | BP | GO:0002376 | antigen
GO:0030099 | myeloid cell differentiation           | BP | GO:0032502 | myeloid granule
GO:0030219 | megakaryocyte differentiation          | BP | GO:0030099 | megakaryocyte
GO:0030224 | monocyte differentiation               | BP | GO:0030099 | monocyte
GO:0072089 | stem cell proliferation                | BP | GO:0009987 | stem
GO:0007093 | mitotic cell cycle checkpoint signaling | BP | GO:0009987 | cycle
GO:0030010 | establishment of cell polarity         | BP | GO:0009987 | cd4
GO:0021700 | developmental maturation               | BP | GO:0032502 | plasma
GO:0006914 | autophagy                              | BP | GO:0008152 | granule
GO:0006412 | translation, a biosynthetic process    | BP | GO:0008152 | ribosome
GO:0048729 | tissue morphogenesis                   | BP | GO:0032502 | id2
GO:0007259 | cell surface receptor signaling pathway via JAK-STAT | BP | GO:0065007 | cd8
GO:0070848 | response to growth factor receptor signaling | BP | GO:0050896 | pdc
GO:0008104 | protein localization                   | BP | GO:0051179 | dendritic
GO:0001709 | cell fate determination                | BP | GO:0032502 | lymphoid
GO:0008219 | cell death                             | BP | GO:0009987 | cd16
GO:0005344 | oxygen carrier activity                | MF | GO:0140104 | haemoglobin
GO:0019825 | oxygen binding                         | MF | GO:0005488 | haemoglobin carriers
GO:0031720 | haptoglobin binding                    | MF | GO:0005488 | haemoglobin pattern
GO:0022890 | inorganic cation transmembrane transporter activity | MF | GO:0005215 | ions
GO:0140794 | histone arginine deiminase activity    | MF | GO:0003824 | citrullination
GO:0035662 | Toll-like receptor 4 binding           | MF | GO:0005488 | pattern
GO:0050786 | RAGE receptor binding                  | MF | GO:0005488 | pattern
GO:0003823 | antigen binding                        | MF | GO:0005488 | antigen b_cell
GO:0004888 | transmembrane signaling receptor activity | MF | GO:0060089 | cd14 cd16
GO:0003735 | structural constituent of ribosome     | MF | GO:0005488 | ribosome
GO:0005833 | hemoglobin complex                     | CC | GO:0110165 | haemoglobin
"""


def terms(n_genes: int, *, n_random: int = 40, seed: int = 0) -> list[Term]:
    """Terms of the stand-in: roots, level 1, those of the programs, and random ones.

    Parameters
    ----------
    n_genes
        Genes of the data.
    n_random
        Terms with 12 to 60 genes at random, a third of them molecular functions.
    seed
        Of their draw.
    """
    space = {"BP": BP, "MF": MF, "CC": CC}
    made = [Term(identifier, name, name, ()) for name, identifier in ROOTS.items()]
    for namespace, group in GROUPS.items():
        made += [Term(i, name, namespace, (ROOTS[namespace],)) for i, name in group.items()]
    for line in _PLANTED.strip().splitlines():
        identifier, name, short, parent, wanted = (part.strip() for part in line.split("|"))
        genes = tuple(gene for program in wanted.split() for gene in programs()[program])
        made.append(Term(identifier, name, space[short], (parent,), genes))
    rng = np.random.default_rng(seed)
    every = np.array(symbols(n_genes))
    for number in range(n_random):
        namespace = MF if number % 3 == 2 else BP
        parent = list(GROUPS[namespace])[number % len(GROUPS[namespace])]
        genes = tuple(rng.choice(every, int(rng.integers(12, 61)), replace=False).tolist())
        name = f"stand-in {'activity' if namespace == MF else 'process'} {number}"
        made.append(Term(f"GO:{9_000_000 + number}", name, namespace, (parent,), genes))
    return made


def write_obo(path: Path, made: list[Term]) -> None:
    """Write the terms as go-basic.obo is written, with an obsolete term and an alternative id."""
    names = {term.id: term.name for term in made}
    lines = ["format-version: 1.2", "data-version: releases/2024-11-03", "ontology: go", ""]
    for term in made:
        lines += ["[Term]", f"id: {term.id}", f"name: {term.name}", f"namespace: {term.namespace}"]
        lines += ["alt_id: GO:0019801"] if term.id == "GO:0015671" else []
        lines += [f'def: "{term.name}." [GOC:made]']
        lines += [f"is_a: {parent} ! {names[parent]}" for parent in term.parents] + [""]
    lines += ["[Term]", "id: GO:0000001", "name: obsolete mitochondrion inheritance"]
    lines += [
        f"namespace: {BP}",
        "is_obsolete: true",
        "",
        "[Typedef]",
        "id: part_of",
        "name: part of",
    ]
    path.write_text("\n".join(lines) + "\n")


def write_gaf(path: Path, made: list[Term]) -> None:
    """Write direct annotations as a GAF 2.2, gzipped; one is negated, one of an obsolete term."""
    aspect = {BP: "P", MF: "F", CC: "C"}
    relation = {BP: "involved_in", MF: "enables", CC: "located_in"}

    def line(gene: str, term: str, namespace: str, qualifier: str) -> str:
        fields = (
            *("UniProtKB", f"P_{gene}", gene, qualifier, term, "PMID:1", "IDA", ""),
            *(aspect[namespace], gene, "", "protein", "taxon:9606", "20241103", "UniProt", "", ""),
        )
        return "\t".join(fields)

    lines = ["!gaf-version: 2.2", "!date-generated: 2024-11-03"]
    lines.append(line("MON001", "GO:0015671", BP, "NOT|involved_in"))
    lines.append(line("MON001", "GO:0000001", BP, "involved_in"))
    lines += [
        line(gene, term.id, term.namespace, relation[term.namespace])
        for term in made
        for gene in term.genes
    ]
    with gzip.open(path, "wt") as file:
        file.write("\n".join(lines) + "\n")
