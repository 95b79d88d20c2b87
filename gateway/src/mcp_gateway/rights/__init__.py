"""Who may call what.

policy_file  what a server's policy.yaml may say
policy       all of them and agents.yaml, compiled; decides
authorize    a call and a principal become a `Grant`
reload       read again when they change; nothing is restarted
why          `make policy` and `make why`
"""
