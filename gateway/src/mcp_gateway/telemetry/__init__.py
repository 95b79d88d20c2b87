"""What is measured of calls and of the gateway's parts.

measures  durations, decisions, refusals, tokens asked for
outcomes  how a call ended, in one of five words
spans     spans that cost a call little
tally     metrics that cost a call next to nothing
vitals    how the parts are, read when metrics are exported
"""
