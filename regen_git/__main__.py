"""Let ``python -m regen_git`` do what ``git regen`` does."""

from regen_git.cli.main import main

if __name__ == "__main__":
    main()
