"""What every number of the page is called, its unit, and a word of how to read it."""

from __future__ import annotations

from featurelens.atlas.steering_words import STEERING_WORDS

WORDS: dict[str, tuple[str, str, str]] = {
    "feature": ("Feature", "number", "Number of the feature in its dictionary."),
    "top_type": (
        "Cell type",
        "",
        "The type that holds more than half of the feature's summed activation, if enough of its "
        "cells are active and a test confirms it.",
    ),
    "type": (
        "Locality",
        "",
        "Local: high in one cell type, where some type stands out of shuffled labels; regional: in "
        "several, with means of at least half of the top type's; global: in none; dead: no cell.",
    ),
    "type_published": (
        "Locality, published rule",
        "",
        "By the author's rule: means further apart than 1.96 standard errors.",
    ),
    "share_in_type": (
        "Share in type",
        "% of activation",
        "Of the feature's summed activation, the part in the type that holds most of it.",
    ),
    "n_in_type": ("Active cells of that type", "cells", "Cells of the type that activate it."),
    "effect": (
        "Effect in type",
        "standard deviations",
        "Mean activation in that type minus mean in all others, over the pooled standard "
        "deviation; "
        "0 is no difference.",
    ),
    "q": (
        "q of that effect",
        "",
        "False discovery rate over all features and types; small is sure.",
    ),
    "n_active": ("Active cells", "cells", "Cells in which the activation is not zero."),
    "fraction_active": ("Share of cells", "% of cells", "Active cells over all cells."),
    "mean": ("Mean", "activation", "Mean activation over all cells, zeros included."),
    "max": ("Maximum", "activation", "Largest activation in a cell."),
    "n_high": ("High cells", "cells", "The most active cells, whose genes were compared."),
    "n_low": ("Low cells", "cells", "The cells that they were compared with."),
    "genes": ("Genes that rise", "", "Significant genes, the largest least change first."),
    "term": ("First gene set", "", "Kept by the corrected filter, of the smallest q."),
    "n_terms": (
        "Gene sets",
        "sets",
        "Kept by the corrected filter (5 % FDR, calibrated by permuted cells).",
    ),
    "n_terms_published": (
        "Gene sets, published",
        "sets",
        "Kept by the filter of the paper's figures.",
    ),
    "n_terms_within": (
        "Gene sets within types",
        "sets",
        "Kept when high cells are compared with low cells of their own types alone.",
    ),
    "stability": (
        "Stability",
        "r",
        "Mean correlation of activations with the matched feature of each other training seed; "
        "1 is the same feature every time.",
    ),
    "stability_random": (
        "Stability of random directions",
        "r",
        "The same of random directions that fire as often: what matching alone gives.",
    ),
    "tau": (
        "Type specificity",
        "tau, 0 to 1",
        "0: all types activate it alike; 1: a single one does.",
    ),
    "entropy": (
        "Entropy over types",
        "bits",
        "Of the types' mean activations; 0: a single type.",
    ),
    "log2_fold": (
        "log2 fold change",
        "log2 (high / low)",
        "1: twice as high in high cells; -1: half as high.",
    ),
    "t": ("t", "standard errors", "Welch's t of the difference; far from 0 is sure."),
    "gene_q": ("q", "", "False discovery rate over the genes of the feature."),
    "log2_fold_within": (
        "within types",
        "log2 (high / low)",
        "The same against low cells of the same type and batch: what the type alone does "
        "not explain.",
    ),
    "gene_q_within": ("q within types", "", "False discovery rate of that comparison."),
    "term_direction": (
        "its genes",
        "",
        "Rise or fall in high cells. Of a set that the published filter alone keeps: over- or "
        "under-represented among the genes that the author selects, whether these rise or fall.",
    ),
    "term_q": (
        "q, corrected",
        "",
        "False discovery rate over features and terms, calibrated by permuted cells; kept at 0.05.",
    ),
    "term_effect": (
        "effect",
        "probability",
        "Chance that a gene of the set stands higher than another gene; 0.5 is none.",
    ),
    "term_hits": (
        "hits",
        "genes",
        "Selected genes that are in the set, of all its genes in the data.",
    ),
    "term_p_binomial": (
        "p of hits, published",
        "",
        "The author's binomial test of hits; not adjusted for the number of tests.",
    ),
    "term_p_mannwhitney": (
        "p of ranks, published",
        "",
        "The author's rank test; not adjusted for the number of tests.",
    ),
    "term_q_within": (
        "q within types",
        "",
        "The corrected q when compared within types and batches.",
    ),
    "type_mean": ("mean", "activation", "Mean over the cells of the type, zeros included."),
    "type_fraction": ("active", "% of its cells", "Cells of the type that activate the feature."),
    "type_effect": (
        "effect",
        "standard deviations",
        "Mean here minus mean elsewhere, over the pooled sd.",
    ),
    "type_q": ("q", "", "False discovery rate; significant below 0.05."),
    "type_high": (
        "counts as high",
        "",
        "By which rule; its locality follows. Corrected: the mean is at least half of the highest, "
        "where some type stands out of shuffled labels. Published: means further apart than 1.96 "
        "standard errors.",
    ),
    "near_cosine": (
        "cosine",
        "-1 to 1",
        "Of the directions that two features add to the embedding; 1 is the same, 0 unrelated.",
    ),
    "near_correlation": ("correlation", "-1 to 1", "Of activations over the drawn cells."),
    "q_declared": (
        "q in one half",
        "",
        "False discovery rate in the half of the cells that declares the term.",
    ),
    "p_confirm": (
        "p in the other half",
        "",
        "One-sided, in the direction declared, on cells that had no part in declaring it.",
    ),
    "nes": ("NES", "", "Normalised enrichment score; above 0 the set's genes rise."),
    "fdr": ("FDR", "", "gseapy's; it orders sets and declares nothing."),
    "n_leading": ("leading edge", "genes", "Genes up to the peak of the running sum."),
    "share": ("Annotated", "% of live features", "Features with at least one gene set."),
    "share_complete": (
        "cells shuffled",
        "% of live features",
        "The same when activations are permuted over all cells. As high: the annotation is chance.",
    ),
    "share_beyond_type": (
        "shuffled within types",
        "% of live features",
        "The same when permuted within types. As high: types explain it.",
    ),
    "share_singly": (
        "genes shuffled singly",
        "% of live features",
        "The same when each gene is permuted by itself. As high: a loud gene makes the terms.",
    ),
    "share_genes": (
        "genes exchanged",
        "% of live features",
        "The same when genes exchange statistics. As high: any sets of such sizes would do.",
    ),
    "verdict": (
        "verdict",
        "",
        "The first that holds. Explained by chance: shuffled cells (within types, where these are "
        "compared) reach half of the share; by the fit: less than half is left when counts are "
        "tested in the place of decoded expression; by composition: genes shuffled singly reach "
        "half; by cell type: cells shuffled within types do. Else supported. Not judged: a share "
        "that a rule needs was not drawn, as of controls.",
    ),
} | STEERING_WORDS
"""Name to label, unit and how to read it."""
