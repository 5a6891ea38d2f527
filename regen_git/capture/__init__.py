"""Turn what agents and git hooks see into intents attached to commits.

What is on the hooks' path loads neither YAML nor libgit2 nor click.
"""
