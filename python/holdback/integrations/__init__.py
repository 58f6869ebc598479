"""Into the proxies and clients that people run: one module per host.

Each imports its host, and nothing else in holdback imports it.
"""
