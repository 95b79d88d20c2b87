"""Verbs a tool's purpose begins with, and what they promise: to read, to change, or neither."""

_READ = """
analyze analyse answer audit browse calculate check compare compute convert count describe detect
diff discover display enumerate estimate evaluate explain explore extract fetch filter find get
identify inspect list look lookup measure monitor parse preview query rank read recall report
resolve retrieve return review scan search select show summarize summarise tell test track
translate validate verify view watch
"""
_CHANGE = """
accept activate add append apply approve archive assign attach book cancel change clear close
commit configure copy create deactivate delete deploy disable download drop edit enable erase
file fork grant import increment insert install invite kill link lock log mark merge modify move
open overwrite pause pay post publish purge push put rebase record register reject release remove
rename reopen replace reply request reserve reset restart restore resume revoke rotate save
schedule send set share start stop store submit subscribe terminate toggle transfer trigger
unassign unlink unlock unsubscribe update upload upsert write
"""
_NEITHER = """
act ask authenticate authorize await build call click complete connect do draft drag encode execute
export fill format generate give handle hover interact invoke join let load make manage navigate
pass perform pick play plan prepare press process provide render run scroll simulate solve split
switch synchronize sync take think transform turn type use wait work
"""
DESTROYS = frozenset(
    {"clear", "delete", "drop", "erase", "kill", "overwrite", "purge", "remove", "reset", "replace"}
)
READS = frozenset(_READ.split())
CHANGES = frozenset(_CHANGE.split())
VERBS = READS | CHANGES | frozenset(_NEITHER.split())


def verb(word: str) -> str | None:
    """The verb a word is a form of: `Lists`, `listing` and `list` are one."""
    bare = word.lower().strip("*_`#:,.")
    forms = [bare, bare.removesuffix("s"), bare.removesuffix("es")]
    if bare.endswith("ies"):
        forms.append(bare[:-3] + "y")
    if bare.endswith("ing"):
        stem = bare[:-3]
        forms += [stem, stem + "e", stem[:-1]]
    return next((form for form in forms if form in VERBS), None)
