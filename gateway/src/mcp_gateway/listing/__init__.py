"""What is answered without a record: it shows what the person may use, and changes nothing.

aside       which of these is asked; the order of its steps
lists       tools, prompts and resources, by the decision that decides calls
discovery   what the gateway says of itself
completion  completing an argument
listening   a client hears when what it may use has changed
"""
