# Files of others, below resources/ and shared by all runs. A download that broke off is resumed from
# a hidden .part file beside it. These rules carry no fingerprint of the library: an edit of the code
# must not fetch gigabytes again. A file put there by hand is taken as it is.


rule fetch_resource:
    output:
        "resources/{resource}",
    log:
        f"results/{RUN}/logs/fetch_resource/{{resource}}.log",
    wildcard_constraints:
        resource="|".join(re.escape(path.removeprefix("resources/")) for path in PLAN.resources)
        or "(?!)",
    localrule: True
    conda:
        "../../envs/core.yaml"
    params:
        config=lambda wildcards: PLAN.resources[f"resources/{wildcards.resource}"],
    script:
        "../../scripts/fetch_resource.py"
