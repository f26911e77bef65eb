"""The sandbox vendor: a gateway that misbehaves on request, to rehearse campaigns and to count in tests.

It speaks the contract of `providers.transports.gateway`. `behaviours.py` has the table of recipients.
"""
