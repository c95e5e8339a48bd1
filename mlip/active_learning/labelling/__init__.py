"""Labels by any ASE calculator, each computed in a process and a folder of its own.

config       which calculator, as plain data
presets      ready-made ones
factory      from plain data to the calculator
codes        what is known of each code: its version, and whether it converged
fingerprint  what a label was made with
folder       the files of one label
outcome      what came of it
compute      the process that computes one attempt
worker       the process that watches over it
"""
