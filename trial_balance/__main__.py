"""`python -m trial_balance`: the program, where its command is not on the PATH."""

from trial_balance import main

main()
