"""The compiled core: its front, and what happens without it."""
