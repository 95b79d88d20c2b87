"""The one door: authenticates, decides, limits, records and forwards every MCP call.

Read pipeline.py first; its steps are here, in the order of a call:

    door           bytes become a `Call`
    identity       a token becomes a `Principal`
    limits         how often
    rights         may they: a `Grant`
    definitions    is it what was reviewed
    record.py      the intent on the record: a `Receipt` (audit/ is the ledger itself)
    carry.py       to the server (upstream/) and back: an `Answer`, looked at in answers/
    listing        what is answered aside
    tasks          calls that outlive their request

and around them app.py, which builds all of it, configuration, telemetry, switches (what operators
close), realm (what the issuer is told) and console (the pages).
"""
