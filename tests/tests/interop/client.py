"""Compression with another implementation: each combination of parameters, echoes of many kinds.

usage: client.py URL {shared|takeover}

Prints what was agreed on for each offer. Exits with 1 where an echo is wrong.
"""

import sys
from itertools import product

from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.sync.client import connect

MESSAGES = [
    "",
    "x",
    "one of many words, " * 20,
    "the same again, the same again, the same again, the same again, the same again, the same again, the same again, again",
    "the same again, the same again, the same again, the same again, the same again, the same again, the same again, again",
    "größer als sonst: 𝄞 " * 3000,
    b"",
    bytes(range(256)) * 20,
    b"\0" * 200_000,
]
FRAGMENTS = [["in ", "", "pieces ", "of " * 1000, "text"], [b"and", b"of" * 5000, b"bytes"]]


def talk(url, offer):
    with connect(url, extensions=[ClientPerMessageDeflateFactory(**offer)], compression=None) as client:
        agreed = client.response.headers.get("Sec-WebSocket-Extensions")
        for message in MESSAGES * 2:
            client.send(message)
            echo = client.recv()
            assert echo == message, (offer, message[:50], echo[:50])
        for fragments in FRAGMENTS:
            client.send(fragments)
            whole = fragments[0][:0].join(fragments)
            assert client.recv() == whole, (offer, whole[:50])
        return agreed


def main(url, mode):
    for server, client, server_bits, client_bits in product(
        [False, True], [False, True], [None, 8, 9, 12, 15], [None, True, 9, 15]
    ):
        offer = {
            "server_no_context_takeover": server,
            "client_no_context_takeover": client,
            "server_max_window_bits": server_bits,
            "client_max_window_bits": client_bits,
        }
        agreed = talk(url, offer).split("; ")
        expected = ["permessage-deflate"]
        if server or mode == "shared":
            expected.append("server_no_context_takeover")
        if client or mode == "shared":
            expected.append("client_no_context_takeover")
        if server_bits:
            expected.append(f"server_max_window_bits={server_bits}")
        if client_bits and client_bits is not True:
            expected.append(f"client_max_window_bits={client_bits}")
        assert agreed == expected, (offer, agreed)
    print("all is well")


if __name__ == "__main__":
    main(*sys.argv[1:])
