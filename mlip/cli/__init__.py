"""The `mlip` command: one file for each verb; `console` is the only place that draws."""
