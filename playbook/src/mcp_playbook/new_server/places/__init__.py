"""The files of the repository that name every listed server, with one server more or one less."""
