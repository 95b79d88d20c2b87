"""How often: of a person, a tool, an agent, a server.

throttle  what is counted, and what happens without the store
buckets   token buckets of one number each
valkey    calls share their trips to the store
"""
