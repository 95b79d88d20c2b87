"""A vendor's remote MCP server behind one of ours: pinned, bounded, and never passed through.

Our server has its own tools, words and models. What is here asks the vendor for one of the tools
that somebody has read and pinned, with a credential of our own, and refuses everything else.
"""
