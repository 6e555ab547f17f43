"""The documentation: Markdown pages, and the generator of the reference pages."""
