"""Larkfield's question across three servers, answered by calls alone."""
