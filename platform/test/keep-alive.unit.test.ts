import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { listen } from '../src/http/server.ts'

it('idle connections are kept for 75 s, but for 5 s while more than half of all connections are open', async () => {
  const listening = await listen((_req, res) => void res.end(), {
    host: '127.0.0.1',
    port: 0,
    requestTimeoutMs: 10_000,
    maxConnections: 4,
  })
  const { port } = listening.server.address() as AddressInfo
  const sockets: Socket[] = []
  const timeoutOfNextConnection = async () => {
    const socket = connect({ host: '127.0.0.1', port }).setEncoding('latin1')
    sockets.push(socket)
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    const [text] = (await once(socket, 'data')) as [string]
    return /^keep-alive: timeout=(\d+)\r$/im.exec(text)?.[1]
  }
  try {
    const timeouts = []
    for (let index = 0; index < 4; index += 1) timeouts.push(await timeoutOfNextConnection())
    expect(timeouts).toEqual(['75', '75', '5', '5'])
    for (const socket of sockets.splice(0)) socket.destroy()
  } finally {
    for (const socket of sockets) socket.destroy()
    await listening.drain(1_000)
  }
})
