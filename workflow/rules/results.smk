# Lists of the results that the config asks for: what the named targets and the tables are made of.


def simulation_results(name):
    """What is made of one simulation but for the sweeps over it."""
    return [
        *(
            f"results/{RUN}/autoencoder/{autoencoder}/superposition.tsv"
            for autoencoder in AUTOENCODERS
            if autoencoder.split("/")[0] == name
        ),
        *([f"results/{RUN}/simulation/{name}/ceiling.tsv"] if name in EMBEDDED else []),
        *([f"results/{RUN}/baselines/{name}/recovery.tsv"] if name in DECOMPOSED else []),
        *(
            f"results/{RUN}/simulation/{name}/{file}.tsv"
            for file, names in (
                ("intrinsic_dimension", HIERARCHICAL),
                ("chance_structure", CHANCED),
            )
            if name in names
        ),
    ]


def sweep_results(name):
    """What is made of one sweep: the trained points and all that is measured on them."""
    files = ["points.parquet", *results(MEASURES.values(), SWEEP_LISTS, name)]
    return [f"results/{RUN}/sweeps/{name}/{file}" for file in files]


SIMULATION_RESULTS = [
    *(file for name in CONFIG.simulations for file in simulation_results(name)),
    *(file for name in SIMULATED for file in sweep_results(name)),
]
SINGLECELL_RESULTS = [
    *(f"results/{RUN}/embeddings/{name}/diagnostics.tsv" for name in BUNDLES),
    *(file for name in CELL_SWEEPS for file in sweep_results(name)),
    *(f"results/{RUN}/features/{name}/features.h5ad" for name in SAES),
    *(f"results/{RUN}/steering/{name}/effects.parquet" for name in STEERED),
    *(
        f"results/{RUN}/dge/{name}/{contrast}_corrected.parquet"
        for name in SAES
        for contrast in CONFIG.dge.contrasts
    ),
    *(f"results/{RUN}/dge/{name}/chosen.tsv" for name in SAES if CONFIG.dge.chosen),
    *(f"results/{RUN}/enrichment/{name}/summary.tsv" for name in ANNOTATED),
    *(f"results/{RUN}/concepts/{name}/concepts.h5ad" for name in ANNOTATED),
]
CONTROL_TABLES = [
    f"results/{RUN}/tables/{name}.tsv" for name in ("controls", "control_pairs") if CONTROLLED
]
# GSEA looks at one collection, the first unless the config names another.
GSEA = [
    f"results/{RUN}/figures/gsea/{name}"
    for name, part in PARTS.items()
    if CONFIG.gsea is not None
    and part[-1] == (CONFIG.gsea.collection or next(iter(CONFIG.collections)))
]
MAPS = {name: f"results/{RUN}/figures/features/{name}.png" for name in ANNOTATED}
# What claims are read from, by the name of the table.
EVIDENCE = [
    *([f"results/{RUN}/tables/bundles.tsv"] if BUNDLES else []),
    *([f"results/{RUN}/tables/cell_sweeps.tsv"] if CELL_SWEEPS else []),
    *([f"results/{RUN}/tables/superposition.tsv"] if AUTOENCODERS else []),
    *(f"results/{RUN}/tables/{name}.tsv" for name in ("ceiling", "table_S3") if EMBEDDED),
    *([f"results/{RUN}/tables/intrinsic_dimension.tsv"] if HIERARCHICAL else []),
    *([f"results/{RUN}/tables/chance_structure.tsv"] if CHANCED else []),
    *(
        f"results/{RUN}/tables/{name}.tsv"
        for name in (
            "sweep_points",
            "sweep_recovery",
            "selected_points",
            "structure",
            "table_S4",
            "table_S5",
        )
        if CONFIG.sweeps
    ),
    *(f"results/{RUN}/tables/{name}.tsv" for name in ("local_features", "table_S6") if SAES),
    *(
        f"results/{RUN}/tables/{name}.tsv"
        for name in (
            "annotation",
            "concept_comparison",
            "concept_frequency",
            "concept_probes",
            "table_S7",
            "terms_per_feature",
        )
        if ANNOTATED
    ),
    *CONTROL_TABLES,
]
TABLES = [
    *EVIDENCE,
    *(f"results/{RUN}/tables/features/{name}.tsv" for name in ANNOTATED),
    *([f"results/{RUN}/tables/claims.tsv"] if CONFIG.claims else []),
]
SCFEATURELENS = [
    *(f"results/{RUN}/features/{name}/features.h5ad" for name in SAES),
    *(f"results/{RUN}/concepts/{name}/concepts.h5ad" for name in ANNOTATED),
    *(f"results/{RUN}/tables/features/{name}.tsv" for name in ANNOTATED),
    *(
        f"results/{RUN}/{name}"
        for name in (
            "tables/annotation.tsv",
            "tables/concept_frequency.tsv",
            "figures/figure_3.png",
        )
        if ANNOTATED
    ),
    *MAPS.values(),
    *GSEA,
]

# What the files of figures and tables ask for by name (featurelens.planning.outputs).
NAMES = {
    "first_steered": STEERED[0] if STEERED else None,
    "first_annotated": FIRST_ANNOTATED,
    "first_hierarchical": HIERARCHICAL[0] if HIERARCHICAL else None,
    "first_bundle": BUNDLES[0] if BUNDLES else None,
    "first_simulated_sweep": SIMULATED[0] if SIMULATED else None,
    "hierarchical_autoencoders": [
        name for name in AUTOENCODERS if Path(name).parent.name in HIERARCHICAL
    ],
    "small_simulation": SMALL_SIMULATION if SMALL_AUTOENCODERS else None,
    "small_autoencoders": [Path(name).name for name in SMALL_AUTOENCODERS],
    "small_sweep": SMALL_SWEEPS[0] if SMALL_SWEEPS else None,
    "structure_sweep": STRUCTURE_SWEEP if STRUCTURED else None,
    "structure_source": STRUCTURE_SOURCE if STRUCTURED else None,
    "structure_relatives": [
        name for name in STRUCTURED if CONFIG.sweeps[name].source == STRUCTURE_SOURCE
    ],
    "structure_select": CONFIG.sweeps[STRUCTURE_SWEEP].structure.select if STRUCTURED else {},
    "simulated_sweeps": SIMULATED,
    "cell_sweeps": CELL_SWEEPS,
    "datasets_of_several_models": [
        name for name, block in CONFIG.datasets.items() if len(block.models) > 1
    ],
    "probes": PLAIN["figures"]["probes"],
    "ranked_by": PLAIN["gsea"]["rank_by"] if CONFIG.gsea else "t",
}
WILDCARDS = {name: f"{{{name}}}" for name in ("dataset", "model", "sae", "collection")}
DRAWN = plan_outputs(
    read_outputs(Path(SRC) / "featurelens/figures"),
    NAMES | WILDCARDS,
    elsewhere=[
        *(path.removeprefix(f"results/{RUN}/") for path in TABLES),
        *(f"tables/{name}.tsv" for name in ("concept_sizes",) if ANNOTATED),
        "tables/features/{dataset}/{model}/{sae}/{collection}.tsv",
    ],
)
PAGES = {name: figure for name, figure in DRAWN.items() if not figure.has_wildcards}
FIGURES = [
    *(f"results/{RUN}/figures/{name}.{suffix}" for name in PAGES for suffix in ("pdf", "png")),
    *(MAPS[name] for name in OWN),
    *GSEA,
]
