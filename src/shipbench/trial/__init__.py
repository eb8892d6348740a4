"""One attempt: phases, supervision, snapshots."""
