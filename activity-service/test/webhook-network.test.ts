import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { eventually } from '@clientele/platform/testing/wait'
import { type Receiver, startReceiver } from './receiver.ts'
import { anEvent, type RunningActivity, startActivity } from './start.ts'

/** The addresses of each name; the first answer counts for the first question, and the last for all others. */
const names: Record<string, string[][]> = {
  'rebinding.example.com': [['93.184.216.34'], ['127.0.0.1']],
  'both.example.com': [['93.184.216.34', '10.0.0.1']],
  'mapped.example.com': [['::ffff:127.0.0.1']],
  'public.example.com': [['93.184.216.34']],
  'hooks.example.com': [['127.0.0.1']],
  'others.example.com': [['127.0.0.1']],
}
const resolve = async (hostname: string): Promise<string[]> => {
  const answers = names[hostname]
  if (!answers) throw new Error('unknown')
  return (answers.length > 1 ? answers.shift() : answers[0]) ?? []
}

const timing = { tickMs: 50, pollMs: 50, flushMs: 20, retryMs: [60_000] }
let receiver: Receiver
let folder: string
let service: RunningActivity
let trusting: RunningActivity
let ca: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'webhook-tls-'))
  const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')]
  const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...files]
  const name = ['-subj', '/CN=hooks.example.com', '-addext', 'subjectAltName=DNS:hooks.example.com']
  await promisify(execFile)('openssl', [...request, ...name])
  ca = await readFile(join(folder, 'cert.pem'), 'utf8')
  ;[receiver, service, trusting] = await Promise.all([
    startReceiver(),
    startActivity({ webhookAllowNetworks: [] }, undefined, { timing, resolve }),
    startActivity({}, undefined, { timing, resolve, tls: { ca } }),
  ])
}, 60_000)
afterAll(async () => {
  await Promise.all([service?.stop(), trusting?.stop(), receiver?.close()])
  await rm(folder, { recursive: true, force: true })
}, 30_000)

const create = (url: string, at = service) => at.admin.post('/v1/webhooks', { url, events: ['order.*'] })
const testOf = async (url: string, at = service) => {
  const { body } = await create(url, at)
  return (await at.admin.post(`/v1/webhooks/${body.id}/test`)).body
}

describe('Addresses inside', () => {
  it.each([
    'both.example.com',
    'mapped.example.com',
    '127.0.0.1',
    '2130706433',
    '0x7f.1',
    '127.1',
    '0',
    '[::ffff:127.0.0.1]',
    '[::1]',
  ])('a webhook to %s is refused', async (host) => {
    const { status, body } = await create(`http://${host}:${receiver.port}/`)
    expect(status).toBe(422)
    expect(body.errors).toMatchObject([{ pointer: '/url' }])
  })

  it('a name that was public when the webhook was saved is checked at each connection', async () => {
    const { status, body: webhook } = await create(`http://rebinding.example.com:${receiver.port}/`)
    expect(status).toBe(201)
    expect(await service.broker.publish(anEvent('order.placed.v1'))).toBe('confirmed')
    await eventually(async () => {
      const { body } = await service.admin.get(`/v1/webhooks/${webhook.id}/deliveries`)
      expect(body.data).toMatchObject([{ status: 'failed', responseStatus: null, error: 'address' }])
    })
    expect(receiver.requests).toHaveLength(0)
  })

  it('literal addresses are checked at each connection, also those that were saved under another setting', async () => {
    const { body: webhook } = await create('https://public.example.com/')
    for (const host of ['127.0.0.1', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]']) {
      const url = `http://${host}:${receiver.port}/`
      await service.db.query('update webhooks set url = $2 where id = $1', [webhook.id, url])
      const { body } = await service.admin.post(`/v1/webhooks/${webhook.id}/test`)
      expect(body).toMatchObject({ status: 'failed', error: 'address', responseStatus: null, answer: null })
    }
    expect(receiver.requests).toHaveLength(0)
  })

  it('a name without an address may get one later', async () => {
    expect(await testOf('https://unknown.example.com/')).toMatchObject({ status: 'failed', error: 'dns' })
  })
})

describe('Receivers with TLS', () => {
  const withTls = async (host: string) => {
    const options = { key: await readFile(join(folder, 'key.pem')), cert: ca }
    const server = createServer(options, (_req, res) => void res.writeHead(204).end())
    await new Promise<void>((started) => server.listen(0, '127.0.0.1', started))
    const { port } = server.address() as AddressInfo
    const result = await testOf(`https://${host}:${port}/`, trusting)
    server.closeAllConnections()
    server.close()
    return result
  }

  it('the certificate must be that of the name, although the connection is to the checked address', async () => {
    expect(await withTls('hooks.example.com')).toMatchObject({ status: 'delivered', responseStatus: 204, error: null })
    expect(await withTls('others.example.com')).toMatchObject({ status: 'failed', responseStatus: null, error: 'tls' })
  })

  it('a refused connection is named', async () => {
    expect(await testOf('http://127.0.0.1:1025/', trusting)).toMatchObject({ status: 'failed', error: 'refused' })
  })
})
