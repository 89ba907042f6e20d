import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { createDb } from '@clientele/platform/data/db'
import { type TestDatabase, testDatabase } from '@clientele/platform/testing/database'

const migrations = new URL('./migrations/', import.meta.url)
let database: TestDatabase
let way: Server
const sockets = new Set<Socket>()
beforeAll(async () => {
  database = await testDatabase({ schema: 'platform_test', migrations })
  const { hostname: host, port } = new URL(database.url)
  way = createServer((client) => {
    const server = connect({ host, port: Number(port) })
    for (const socket of [client, server]) sockets.add(socket.on('error', () => {}))
    client.pipe(server).pipe(client)
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => way.once('listening', resolve))
})
afterAll(async () => {
  for (const socket of sockets) socket.destroy()
  way.close()
  await database.drop()
})

/** What a network does whose cable was cut: no byte, and no end. */
const fallSilent = () => {
  for (const socket of sockets) socket.unpipe().pause()
}

it('gives up connections whose server has fallen silent, answers 503, and goes on with new ones', async () => {
  const { port } = way.address() as AddressInfo
  const databaseUrl = Object.assign(new URL(database.url), { port: String(port) }).href
  const db = createDb({ databaseUrl, databasePoolMax: 1, statementTimeoutMs: 1_000 }, 'platform_test')
  await db.ping()
  fallSilent()
  await expect(db.ping()).rejects.toMatchObject({ code: 'unavailable', options: { headers: { 'Retry-After': '5' } } })
  await db.transaction(async (tx) => void (await db.query('select 1', [], { tx })))
  fallSilent()
  await expect(db.transaction(async (tx) => void (await db.query('select 1', [], { tx })))).rejects.toMatchObject({
    code: 'unavailable',
  })
  await db.ping()
  await db.close()
}, 40_000)
