"""Whether an error helps: a scripted agent's wrong calls, repaired by what each kind of error says.

Agent, injector and judge know nothing of each other; `trial` alone brings them together.
"""
