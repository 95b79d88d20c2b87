"""The generator of the open loop, against a server that stalls."""

import socket
import threading

from bench.asking import request
from bench.generator import Connection, Generator

ANSWER = b'{"isError":false}'
REQUEST = request("/mcp", "h", "t")


def whole(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def serve(listening: socket.socket, stalled: threading.Event, body: bytes) -> None:
    """One connection; nothing is answered before `stalled` is set."""
    taken, _ = listening.accept()
    stalled.wait(5)
    while taken.recv(65_536):
        taken.sendall(whole(body))
    taken.close()


def generated(body: bytes, stall: float) -> Generator:
    stalled = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = threading.Thread(target=serve, args=(listening, stalled, body))
        server.start()
        made = Generator(listening.getsockname()[1], REQUEST, connections=1)
        threading.Timer(stall, stalled.set).start()
        made.run(rate=100, seconds=0.2)
        for one in made._idle:
            one.socket.close()
        server.join(5)
    return made


def test_calls_that_waited_behind_a_stall_count_from_when_they_were_due() -> None:
    made = generated(ANSWER, stall=0.15)
    assert len(made.took) == 20
    # due at 0, 10, 20 ms ...: nearly all of the first fifteen waited, not the first alone
    assert sum(one > 0.03 for one in made.took) >= 10


def test_answers_that_are_not_the_tools_own_are_failures() -> None:
    made = generated(b'{"isError":true}', stall=0)
    assert (len(made.took), made.failed) == (0, 20)


def test_an_answer_is_there_when_all_of_it_is() -> None:
    with socket.socket() as unused:
        one = Connection(unused)
        for part in (b"HTTP/1.1 200 OK\r\ncontent-le", b"ngth: 5\r\n\r\nab", b"cd"):
            one.got += part
            assert not one.answered()
        one.got += b"e"
        assert one.answered()
