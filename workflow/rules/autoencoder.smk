# Autoencoders on simulations (paper section 4.1), and the search for their hyperparameters (Table S3).
# The search is not part of all: `snakemake search` runs what the config asks for. Trials go to a
# journal that no rule declares, so that an interrupted search goes on where it stopped, and one with
# more trials runs only those that are missing.


rule train_autoencoder:
    input:
        data=f"results/{RUN}/simulation/{{simulation}}/data.h5ad",
    output:
        model=f"results/{RUN}/autoencoder/{{simulation}}/{{autoencoder}}/model.safetensors",
        config=f"results/{RUN}/autoencoder/{{simulation}}/{{autoencoder}}/config.json",
        history=f"results/{RUN}/autoencoder/{{simulation}}/{{autoencoder}}/history.tsv",
        embedding=f"results/{RUN}/autoencoder/{{simulation}}/{{autoencoder}}/embedding.h5ad",
    log:
        f"results/{RUN}/logs/train_autoencoder/{{simulation}}/{{autoencoder}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/train_autoencoder/{{simulation}}/{{autoencoder}}.tsv"
    conda:
        "../../envs/core.yaml"
    threads: JOBS.of_autoencoder(sizes.train_threads)
    resources:
        mem_mb=growing(JOBS.of_autoencoder(sizes.train_memory)),
        runtime=growing(JOBS.of_autoencoder(sizes.train_runtime)),
    params:
        config=JOBS.of_autoencoder(lambda _, autoencoder: as_plain(autoencoder)),
        device=device,
        code=fingerprint("train_autoencoder"),
    script:
        "../../scripts/train_autoencoder.py"


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
    threads: JOBS.of_search(sizes.train_threads)
    resources:
        mem_mb=growing(JOBS.of_search(sizes.train_memory)),
        runtime=1440,
    params:
        shape=JOBS.setting("{simulation}/{shape}", within=PLAN.shapes),
        config=JOBS.setting("simulations/{simulation}/search"),
        journal=f"results/{RUN}/search/{{simulation}}/{{shape}}/journal.log",
        device=device,
        code=fingerprint("search_autoencoder"),
    script:
        "../../scripts/search_autoencoder.py"


rule collect_search:
    input:
        trials=[f"results/{RUN}/search/{name}/trials.tsv" for name in PLAN.searches],
    output:
        trials=f"results/{RUN}/tables/search_trials.tsv",
        best=f"results/{RUN}/tables/search_best.tsv",
    log:
        f"results/{RUN}/logs/collect_search.log",
    localrule: True
    conda:
        "../../envs/core.yaml"
    params:
        studies=list(PLAN.searches.values()),
        code=fingerprint("collect_search"),
    script:
        "../../scripts/collect_search.py"
