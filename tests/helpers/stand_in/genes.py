"""Genes of the stand-in: symbols, Ensembl ids, and the programs that cells switch on.

Symbols of the planted erythroid and B-cell genes are real ones; all other symbols, and every
Ensembl id, are made up.
"""

from __future__ import annotations

HAEMOGLOBIN = ("HBA1", "HBA2", "HBB", "HBD", "HBE1", "HBG1", "HBG2", "HBM", "HBQ1", "HBZ")
CARRIERS = (
    *("CA1", "CA2", "SLC4A1", "AQP1", "RHAG", "RHCE", "RHD", "CYB5R3", "AHSP", "HP", "MB", "NGB"),
)
"""Of oxygen and carbon dioxide, beside haemoglobin."""
RED_CELL = (
    *("ALAS2", "GYPA", "GYPB", "GYPE", "EPB41", "EPB42", "SPTA1", "SPTB", "ANK1", "KLF1", "GATA1"),
    *("TAL1", "EPOR", "HEMGN", "KEL", "XK", "TSPO2", "SOX6", "LYL1", "TMCC2", "ZFPM1", "DMTN"),
)
IONS = (
    *("FTH1", "FTL", "SLC11A2", "SLC40A1", "TFR2", "TFRC", "HEPH", "STEAP3", "ATP2B4", "KCNN4"),
    *("ATP1B2", "SLC25A37", "SLC25A38", "HAMP", "FXN", "ABCB7"),
)
INTERFERON = ("IFNB1", "IFNAR1", "IFNAR2", "IFIT1", "IFIT3", "IFI16", "STAT1", "STAT2", "IRF1",
              "XAF1", "BST2", "AIM2", "OAS1", "TRIM6", "NDUFA13", "SHFL")  # fmt: skip
CITRULLINATION = ("PADI1", "PADI2", "PADI3", "PADI4", "PADI6", "KDM1B", "CARM1", "PRMT1", "SMYD1",
                  "SETD3", "KMT2E", "SUV39H3")  # fmt: skip
PATTERN = ("TLR4", "LY96", "CD36", "TLR6", "S100A8", "S100A9", "S100A12", "AGER", "HMGB1", "S100B",
           "S100A7", "FPR1", "HPX", "CD163")  # fmt: skip
"""Toll-like receptor 4, haptoglobin and RAGE."""

PLANTED: dict[str, tuple[str, ...]] = {
    "haemoglobin": HAEMOGLOBIN, "carriers": CARRIERS, "red_cell": RED_CELL, "ions": IONS,
    "interferon": INTERFERON, "citrullination": CITRULLINATION, "pattern": PATTERN,
}  # fmt: skip
"""Programs whose genes bear real symbols."""

PREFIX = {
    "stem": "STEM", "lymphoid": "LYM", "t_cell": "TC", "cytotoxic": "CYT", "cd4": "CDF",
    "cd8": "CDE", "activated": "ACT", "nk": "NK", "ilc": "ILC", "b_cell": "BC", "plasma": "PLA",
    "myeloid": "MYE", "monocyte": "MON", "cd14": "MOA", "cd16": "MOB", "dendritic": "DEN",
    "pdc": "PDC", "granule": "GRA", "megakaryocyte": "MEG", "id2": "IDT", "cycle": "CYC",
    "antigen": "ANT", "ribosome": "RIB",
}  # fmt: skip
"""Programs whose genes bear made-up symbols, and how these begin."""
PROGRAM_SIZE = 22


def programs() -> dict[str, tuple[str, ...]]:
    """Symbols of the genes of every program; no gene is in two."""
    made = {
        name: tuple(f"{prefix}{number:03d}" for number in range(1, PROGRAM_SIZE + 1))
        for name, prefix in PREFIX.items()
    }
    return PLANTED | made


def symbols(n_genes: int) -> list[str]:
    """Symbols of all genes: those of the programs, then others that belong to none."""
    known = [gene for genes in programs().values() for gene in genes]
    if n_genes < len(known):
        raise ValueError(f"{n_genes} genes do not hold the {len(known)} of the programs")
    return known + [f"OTHER{number:05d}" for number in range(n_genes - len(known))]


def ensembl_ids(n_genes: int) -> list[str]:
    """Made-up Ensembl ids of the same genes."""
    return [f"ENSG{number:011d}" for number in range(1, n_genes + 1)]
