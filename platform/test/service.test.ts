import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { connectDb } from '@clientele/platform/data/db'
import { startService } from '@clientele/platform/service/service'
import { client } from '@clientele/platform/testing/client'
import { type TestDatabase, testDatabase } from '@clientele/platform/testing/database'
import { testConfig, testLog } from '@clientele/platform/testing/service'
import { eventually } from '@clientele/platform/testing/wait'
import express from 'express'

const migrations = new URL('./migrations/', import.meta.url)
let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase({ schema: 'platform_test', migrations })
})
afterAll(() => database.drop())

const parts = async (overrides = {}) => ({
  name: 'test-service',
  config: testConfig(overrides),
  log: testLog(),
  db: await connectDb(database.config, 'platform_test'),
  migrations,
  app: () => {},
})

describe('startService', () => {
  it('the internal port serves liveness, readiness with the checks, and metrics', async () => {
    const service = await startService({ ...(await parts()), app: (_req, res) => void res.end('ok') })
    const internal = client(service.internalUrl)
    expect((await internal.get('/health/live')).body).toEqual({ status: 'up' })
    expect((await internal.get('/health/ready')).body).toMatchObject({
      status: 'up',
      checks: expect.arrayContaining([{ name: 'database', status: 'up' }]),
    })
    expect((await internal.get('/metrics')).body).toMatch(/process_cpu_user_seconds_total/)
    expect((await client(service.url).get('/health/live')).body).toBe('ok')
    await service.stop()
  })

  it('a service serves requests while the broker is unavailable, and reports it', async () => {
    const service = await startService({
      ...(await parts({ rabbitmqUrl: 'amqp://127.0.0.1:1' })),
      app: (_req, res) => void res.end('ok'),
    })
    const { status, body } = await client(service.internalUrl).get('/health/ready')
    expect(status).toBe(200)
    expect(body.checks).toContainEqual(expect.objectContaining({ name: 'broker', status: 'down' }))
    await service.stop()
  })

  it('a service that stops completes requests in flight and accepts no new ones', async () => {
    let finish = () => {}
    let arrived = () => {}
    const inFlight = new Promise<void>((resolve) => {
      arrived = resolve
    })
    const service = await startService({
      ...(await parts()),
      app: (req, res) => {
        if (req.url !== '/slow') return void res.end('late')
        finish = () => res.end('done')
        arrived()
      },
    })
    const response = client(service.url).get('/slow')
    await inFlight
    const stopped = service.stop()
    await eventually(async () => {
      const late = await client(service.url)
        .get('/late')
        .catch(() => 'refused')
      expect(late).toBe('refused')
    })
    finish()
    const { body, headers } = await response
    expect([body, headers.get('connection')]).toEqual(['done', 'close'])
    await stopped
  })

  it('a request that is not HTTP gets a problem', async () => {
    const service = await startService(await parts())
    const sendRaw = (request: string) =>
      new Promise<string>((resolve, reject) => {
        let received = ''
        const socket = connect(Number(new URL(service.url).port), '127.0.0.1', () => socket.write(request))
        socket.on('data', (data) => {
          received += data
        })
        socket.on('close', () => resolve(received)).on('error', reject)
      })
    expect(await sendRaw('HELLO\r\n\r\n')).toMatch(/^HTTP\/1.1 400 .*application\/problem\+json.*"malformed"/s)
    expect(await sendRaw(`GET / HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(20_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1.1 431 .*"header_too_large"/s,
    )
    await service.stop()
  })

  it('a service that stops is not ready', async () => {
    const service = await startService(await parts({ shutdownPauseMs: 500 }))
    const stopped = service.stop()
    expect((await client(service.internalUrl).get('/health/ready')).status).toBe(503)
    await stopped
  })

  it('a service that stops serves requests during the pause, with Connection: close', async () => {
    const service = await startService({
      ...(await parts({ shutdownPauseMs: 1_000 })),
      app: (_req, res) => void res.end('ok'),
    })
    const before = await client(service.url).get('/')
    const stopped = service.stop()
    const during = await client(service.url).get('/')
    expect([before.headers.get('connection'), during.headers.get('connection')]).toEqual(['keep-alive', 'close'])
    expect(during.body).toBe('ok')
    await stopped
  })

  it('a stopping Express app closes its connections, including those of requests in flight', async () => {
    let finish = () => {}
    const app = express()
    app.get('/', (_req, res) => void res.json('ok'))
    const inFlight = new Promise<void>((resolve) => {
      app.get('/slow', (_req, res) => {
        finish = () => res.json('done')
        resolve()
      })
    })
    const service = await startService({ ...(await parts({ shutdownPauseMs: 1_000 })), app })
    const slow = client(service.url).get('/slow')
    await inFlight
    const stopped = service.stop()
    const during = await client(service.url).get('/')
    finish()
    const responses = [during, await slow].map(({ body, headers }) => [body, headers.get('connection')])
    expect(responses).toEqual([
      ['ok', 'close'],
      ['done', 'close'],
    ])
    await stopped
  })

  it('a service does not start if a migration has not been applied', async () => {
    await expect(
      startService({ ...(await parts()), migrations: new URL('../../user-service/migrations/', import.meta.url) }),
    ).rejects.toThrow(/npm run migrate/)
  })

  it('a service that cannot start because a port is in use names the port', async () => {
    const other: Server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    const { port } = other.address() as AddressInfo
    await expect(startService(await parts({ port }))).rejects.toThrow(String(port))
    other.close()
  })
})
