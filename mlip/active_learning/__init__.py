"""Active learning: a campaign that asks a DFT code where the potential does not know.

Nothing is imported before it is used: workers that compute labels need neither torch nor models.
"""
