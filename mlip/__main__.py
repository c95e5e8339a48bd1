"""`python -m mlip` is `mlip`; so `torchrun -m mlip train ...` works."""

from mlip.cli.main import main

main()
