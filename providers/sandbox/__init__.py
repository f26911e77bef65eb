"""The sandbox vendor: every vendor in one server that misbehaves on request, to rehearse with and to count in tests.

`behaviours.py` has the table of recipients, `dialects/` how each vendor asks and answers, `callbacks/` how it reports;
`vendor.py` decides, `mail.py` and `smtp.py` the same for mail, `server.py` has the sockets. Nothing of it runs in
production.
"""
