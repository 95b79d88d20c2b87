"""Towards the servers, and back.

forward    one request to one server, with a deadline and a size cap
outgoing   the request as the server gets it
outbound   a pooled HTTP client
resolver   names become addresses, and stay among their own kind
breaker    rests a server that keeps failing
sse        the messages of an event stream
notes      what a server says on the way to its answer
interpret  its bytes become an `Answer`
rounds     calls in which the server asks and the client answers
"""
