"""The command `pychat`, as real processes: in pipes and on terminals."""
