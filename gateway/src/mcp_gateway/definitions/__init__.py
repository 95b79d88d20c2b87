"""What servers offer, as it was reviewed.

catalogue   the pinned definitions of tools.lock.json
quarantine  what is not loaded although its lock file is whole
drift       what a server serves, held to what is pinned
renamed     a tool's earlier name, until its last day
mirror      arguments that headers repeat
"""
