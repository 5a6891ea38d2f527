"""The page that a new spec begins with."""

from __future__ import annotations

__all__ = ["FIRST_PAGE"]

FIRST_PAGE = """\
# app

<!--
Say in a paragraph what this program is for and how it is run. Below, each list item is one requirement:
what must hold, in words that a test could check. Nested items say when it is met. For instance:

- `todo add TEXT` stores an item and prints its number.
  - Numbers start at 1 and are never used again.
  - An empty text is refused with exit status 2.

Tests in the repository are shown to the model and never changed. Front matter may name the page's files
(`paths: [todo.py]`); without it the model chooses. More pages beside this one are more modules.
-->

## Requirements

"""
