import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { createDb } from '@clientele/platform/data/db'
import { type TestDatabase, testDatabase } from '@clientele/platform/testing/database'

const migrations = new URL('./migrations/', import.meta.url)
let database: TestDatabase
let proxy: Server
const sockets = new Set<Socket>()
beforeAll(async () => {
  database = await testDatabase({ schema: 'platform_test', migrations })
  const { hostname: host, port } = new URL(database.url)
  proxy = createServer((client) => {
    const server = connect({ host, port: Number(port) })
    for (const socket of [client, server]) sockets.add(socket.on('error', () => {}))
    client.pipe(server).pipe(client)
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => proxy.once('listening', resolve))
})
afterAll(async () => {
  for (const socket of sockets) socket.destroy()
  proxy.close()
  await database.drop()
})

/** Simulates a cut cable: nothing is transmitted any more, and no connection is closed. */
const cutCable = () => {
  for (const socket of sockets) socket.unpipe().pause()
}

it('a connection whose server does not respond is closed with a 503, and the next query gets a new one', async () => {
  const { port } = proxy.address() as AddressInfo
  const databaseUrl = Object.assign(new URL(database.url), { port: String(port) }).href
  const db = createDb({ databaseUrl, databasePoolMax: 1, statementTimeoutMs: 1_000 }, 'platform_test')
  await db.ping()
  cutCable()
  await expect(db.ping()).rejects.toMatchObject({ code: 'unavailable', options: { headers: { 'Retry-After': '5' } } })
  await db.transaction(async (tx) => void (await db.query('select 1', [], { tx })))
  cutCable()
  await expect(db.transaction(async (tx) => void (await db.query('select 1', [], { tx })))).rejects.toMatchObject({
    code: 'unavailable',
  })
  await db.ping()
  await db.close()
}, 40_000)
