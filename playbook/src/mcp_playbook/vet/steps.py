"""What a person can do to know more: the same words wherever the same step helps."""

CLONE = "clone its repository and pass --clone FOLDER"
LIST_TOOLS = "take its tools/list: --run for a package, an address for a remote server, or --tools"
RUN_TASKS = "run 10 to 50 tasks of your own against this version and pass the results as --tasks"
ASK_OSV = "ask OSV for this version and pass the answer as --add osv=FILE"
ASK_FORGE = "ask its forge whether it is archived and pass the answer as --add repository=FILE"
ASK_ISSUES = "ask its forge for issues and comments and pass them as --add issues=FILE"
ASK_SCORECARD = (
    "ask the Scorecard API for the repository and pass the answer as --add scorecard=FILE"
)
ASK_PUBLISHER = "look at the publisher's own index, of which this one is a copy"
