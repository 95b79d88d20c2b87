"""The Tasks extension at the gateway: calls that outlive their request (decision 33).

begin     a call that its server made a task, told to the client under an id of ours
ids       that id: sealed for person and agent, opened by any replica
requests  tasks/get, tasks/update and tasks/cancel, by whoever began the task
said      what a server says of a task, written anew
reads     how a task ended is on the record once
"""
