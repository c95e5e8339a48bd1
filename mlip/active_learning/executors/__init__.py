"""Where workers run: on this machine, or in the queue of a cluster.

An executor starts workers and says which are alive. It need not be told twice, and need not
remember: what matters is in the folder of each label.
"""
