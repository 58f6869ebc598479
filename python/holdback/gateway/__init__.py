"""The gateway: what the command ``holdback gateway`` runs. Install ``holdback[gateway]``.

    settings    what an operator may say, by options, environment and a TOML file, and what is refused
    parts       what the settings make: key, detectors, masker, store, config
    routes      which paths are known, and what is done on each
    scopes      whose conversation a request belongs to
    forwarding  a masked request to the provider, its answer to the client as it comes
    refusals    in the format that the client reads
    metrics     counts for Prometheus, and the access log
    app         one request, from its first byte to its last
    command     servers, workers, signals

Only the command imports it: its packages are an extra.
"""
