"""The bulk loader: any tree of Markdown, reStructuredText or HTML becomes ranked, guarded pages."""
