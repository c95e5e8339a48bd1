"""Validation: is a trained potential physically sound?"""
