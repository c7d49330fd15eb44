"""`python -m unmoor.commands`."""

from unmoor.commands import main

main()
