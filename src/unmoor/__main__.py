"""`python -m unmoor`."""

from unmoor.commands import main

main()
