# Search for hyperparameters of autoencoders (paper, Table S3). Not part of all: `snakemake search`
# runs what the config asks for. Trials go to a journal that no rule declares, so that an interrupted
# search goes on where it stopped, and one with more trials runs only those that are missing.


rule search_autoencoder:
    input:
        data=f"results/{RUN}/simulation/{{simulation}}/data.h5ad",
    output:
        trials=f"results/{RUN}/search/{{simulation}}/{{shape}}/trials.tsv",
    log:
        f"results/{RUN}/logs/search_autoencoder/{{simulation}}/{{shape}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/search_autoencoder/{{simulation}}/{{shape}}.tsv"
    conda:
        "../../envs/core.yaml"
    threads: search_threads
    resources:
        mem_mb=search_memory,
        runtime=1440,
    params:
        shape=search_shape,
        config=setting("simulations/{simulation}/search"),
        journal=f"results/{RUN}/search/{{simulation}}/{{shape}}/journal.log",
        device=device,
        code=fingerprint("search_autoencoder"),
    script:
        "../../scripts/search_autoencoder.py"


rule collect_search:
    input:
        trials=[f"results/{RUN}/search/{name}/trials.tsv" for name in SEARCHES],
    output:
        trials=f"results/{RUN}/tables/search_trials.tsv",
        best=f"results/{RUN}/tables/search_best.tsv",
    log:
        f"results/{RUN}/logs/collect_search.log",
    localrule: True
    conda:
        "../../envs/core.yaml"
    params:
        studies=list(SEARCHES.values()),
        code=fingerprint("collect_search"),
    script:
        "../../scripts/collect_search.py"
