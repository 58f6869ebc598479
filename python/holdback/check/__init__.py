"""The command ``holdback check``: ask a proxy that restores whether it does.

The check is both ends of the proxy: a client that sends requests through it, and a fake provider behind it. The
client says invented values; the provider takes the placeholders that came for them out of the request, whatever they
look like, and answers with them, cut where it hurts. So it knows what the client must read, for any proxy and any
placeholders.

``known`` says what the proxy must be told, ``cases`` what is asked, ``answers`` writes it in each wire format,
``provider`` sends it, ``client`` and ``reading`` take what comes back, ``runner`` judges, ``table`` shows.
"""
