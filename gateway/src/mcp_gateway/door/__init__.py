"""The wire: what holds before a request is a call, and how its answer leaves.

connection  one client's connection: deadlines and sizes before there is a request
edge        one request: Host, Origin, body; the answer framed as JSON or events
document    bytes that every reader would read alike
read        a document and its headers become a `Call`
response    one HTTP response, in the client's era
presence    whether the client is still there
withdrawals calls that an older client takes back
floods      slows down who is turned away again and again
turned_away all of those counted, a sample on the record
pages       which web pages may read what is answered
routes      what is beside the MCP endpoints
health      two questions about a replica
lifespan    a replica begins, and ends
leaving     a replica that is told to end
ids         the id of a call
"""
