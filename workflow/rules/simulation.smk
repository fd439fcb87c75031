# Simulations with known truth, and how many components they are made of (paper section 4.1).


rule simulate:
    output:
        data=f"results/{RUN}/simulation/{{simulation}}/data.h5ad",
    log:
        f"results/{RUN}/logs/simulate/{{simulation}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/simulate/{{simulation}}.tsv"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=growing(JOBS.of_simulation(sizes.simulate_memory)),
        runtime=growing(30),
    params:
        config=JOBS.setting("simulations/{simulation}/data"),
        code=fingerprint("simulate"),
    script:
        "../../scripts/simulate.py"


rule count_components:
    input:
        data=f"results/{RUN}/simulation/{{simulation}}/data.h5ad",
    output:
        table=f"results/{RUN}/simulation/{{simulation}}/intrinsic_dimension.tsv",
    log:
        f"results/{RUN}/logs/count_components/{{simulation}}.log",
    benchmark:
        f"results/{RUN}/benchmarks/count_components/{{simulation}}.tsv"
    conda:
        "../../envs/core.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        code=fingerprint("count_components"),
    script:
        "../../scripts/count_components.py"
