#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Upper case over uvloop: what a Python service on libuv does. Argument: a port."""

import asyncio
import sys

import uvloop


class Upper(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data.upper())


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Upper, "127.0.0.1", int(sys.argv[1]), backlog=4096)
    await server.serve_forever()


uvloop.install()
asyncio.run(main())
