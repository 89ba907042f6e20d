import { newId } from '@clientele/platform/data/db'
import { eventually } from '@clientele/platform/testing/wait'
import { Webhook as StandardWebhook } from 'standardwebhooks'
import { Webhook as SvixWebhook } from 'svix'
import { type Receiver, startReceiver } from './receiver.ts'
import { anEvent, type RunningActivity, recorded, startActivity } from './start.ts'

let service: RunningActivity
let receiver: Receiver

beforeAll(async () => {
  service = await startActivity()
}, 60_000)
afterAll(() => service?.stop(), 30_000)
// A new one for each test, because requests to a webhook that was deleted may arrive for a moment.
beforeEach(async () => {
  receiver = await startReceiver()
})

const created: string[] = []
const create = async (body: Record<string, unknown> = {}) => {
  const response = await service.admin.post('/v1/webhooks', { url: receiver.url, events: ['order.*'], ...body })
  if (response.status === 201) created.push(response.body.id)
  return response
}
afterEach(async () => {
  for (const id of created.splice(0)) await service.admin.delete(`/v1/webhooks/${id}`)
  await receiver.close()
})

const publish = async (...events: ReturnType<typeof anEvent>[]) => {
  for (const event of events) expect(await service.broker.publish(event)).toBe('confirmed')
}
const problemsOf = async (body: Record<string, unknown>) => {
  const { status, body: problem } = await create(body)
  return { status, pointers: (problem.errors ?? []).map(({ pointer }: { pointer: string }) => pointer) }
}

describe('POST /v1/webhooks', () => {
  it('creates a webhook and shows its secret once', async () => {
    const { status, body, headers } = await create({ description: 'The warehouse' })
    expect(status).toBe(201)
    expect(headers.get('location')).toBe(`/v1/webhooks/${body.id}`)
    expect(body).toMatchObject({
      ...{ url: receiver.url, events: ['order.*'], description: 'The warehouse', active: true, ordered: false },
      ...{ payload: 'full', state: 'active', pausedReason: null, behind: 0, lastSuccessAt: null, version: 1 },
    })
    expect(body.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    const read = await service.admin.get(`/v1/webhooks/${body.id}`)
    expect(read.body.secret).toBeUndefined()
    expect((await service.admin.get('/v1/webhooks')).body.data).toMatchObject([{ id: body.id }])
  })

  it('stores the secret encrypted, and tells nobody by an event', async () => {
    const { body } = await create()
    const bytes = Buffer.from(body.secret.slice(6), 'base64')
    const [row] = await service.db.query<{ secret: Buffer }>('select secret from webhooks where id = $1', [body.id])
    expect(row?.secret.includes(bytes)).toBe(false)
    expect(row?.secret.includes(Buffer.from(body.secret))).toBe(false)
    const event = await eventually(async () => {
      const found = (await recorded(service)).find(({ subject }) => subject === body.id)
      expect(found?.type).toBe('webhook.created.v1')
      return found
    })
    expect(event?.body).not.toContain('whsec_')
    expect(event?.body).not.toContain('/hooks')
    expect(JSON.parse(event?.body ?? '').data).toMatchObject({ origin: new URL(receiver.url).origin })
  })

  it.each([
    ['a relative URL', '/hooks'],
    ['no URL', 'nonsense'],
    ['another protocol', 'ftp://example.com/hooks'],
    ['credentials', 'https://ana:secret@example.com/hooks'],
    ['a fragment', 'https://example.com/hooks#a'],
    ['an empty fragment', 'https://example.com/hooks#'],
    ['a line break', 'https://example.com/ho\noks'],
    ['a control character', 'https://example.com/\u0000'],
    ['a port of a system service', 'https://example.com:25/hooks'],
    ['more than 2,000 characters', `https://example.com/${'a'.repeat(2_000)}`],
    ['a private address', 'https://192.168.1.1/hooks'],
    ['the address of cloud metadata', 'http://169.254.169.254:8080/latest'],
    ['a mapped private address', 'https://[::ffff:10.0.0.1]/hooks'],
  ])('refuses %s', async (_name, url) => {
    expect(await problemsOf({ url })).toEqual({ status: 422, pointers: ['/url'] })
  })

  it('refuses the public address of the installation', async () => {
    const url = `${process.env['TEST_KEYCLOAK_URL']}/hooks`
    expect(await problemsOf({ url })).toEqual({ status: 422, pointers: ['/url'] })
  })

  it('refuses unknown event types, and names known ones', async () => {
    const { status, body } = await create({ events: ['order.*', 'order.lost.v1', 'orders.*', 'order.*,product.*'] })
    expect(status).toBe(422)
    expect(body.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual([
      '/events/1',
      '/events/2',
      '/events/3',
    ])
    expect(body.errors[0].message).toContain('order.placed.v1')
    expect(await problemsOf({ events: [] })).toEqual({ status: 422, pointers: ['/events'] })
  })

  it('refuses the twenty-first webhook', async () => {
    for (let count = 0; count < 20; count += 1) expect((await create()).status).toBe(201)
    expect(await create()).toMatchObject({ status: 409, body: { code: 'invalid_state' } })
  })

  it('is for admins only', async () => {
    const webhook = { url: receiver.url, events: ['order.*'] }
    expect((await service.user.post('/v1/webhooks', webhook)).status).toBe(403)
    expect((await service.user.get('/v1/webhooks')).status).toBe(403)
  })
})

describe('Deliveries', () => {
  it('sends the bytes of the event, signed by Standard Webhooks', async () => {
    const { body: webhook } = await create()
    const event = anEvent('order.placed.v1', { number: 'ORD-000001', note: 'Zoë Łukasz' })
    await publish(anEvent('customer.created.v1'), event)
    const [request] = await receiver.until(1)
    const rows = await recorded(service)
    expect(request?.text).toBe(rows.find(({ eventId }) => eventId === event.id)?.body)
    expect(request?.method).toBe('POST')
    expect(request?.headers).toMatchObject({ 'content-type': 'application/json', 'webhook-id': event.id })
    expect(request?.headers.cookie).toBeUndefined()
    const headers = request?.headers as Record<string, string>
    expect(new StandardWebhook(webhook.secret).verify(request?.text ?? '', headers)).toMatchObject({ id: event.id })
    expect(() => new SvixWebhook(webhook.secret).verify(request?.text ?? '', headers)).not.toThrow()
    await eventually(async () => {
      const { body } = await service.admin.get(`/v1/webhooks/${webhook.id}`)
      expect(body).toMatchObject({ state: 'active', behind: 0, lastSuccessAt: expect.any(String), failingSince: null })
    })
    expect(receiver.requests).toHaveLength(1)
  })

  it('leaves out the data with the payload reference', async () => {
    await create({ payload: 'reference', events: ['customer.created.v1'] })
    const event = anEvent('customer.created.v1', { name: 'Ana', email: 'ana@example.com' })
    await publish(event)
    const [request] = await receiver.until(1)
    expect(request?.event).toEqual({
      ...{ specversion: '1.0', id: event.id, source: '/customer-service', type: 'customer.created.v1' },
      ...{ subject: event.subject, time: event.time, datacontenttype: 'application/json', data: { version: 1 } },
    })
  })

  it('sends events of a purged customer without their data', async () => {
    const { body: webhook } = await create({ events: ['customer.*'], active: false })
    const customer = newId()
    const event = anEvent('customer.created.v1', { name: 'Ana' }, { subject: customer })
    const rows = (await recorded(service)).length
    await publish(event, anEvent('customer.purged.v1', {}, { subject: customer }))
    // The two, and that of the redaction.
    await eventually(async () => expect((await recorded(service)).length).toBeGreaterThanOrEqual(rows + 3))
    await service.admin.post(`/v1/webhooks/${webhook.id}/resume`)
    const [request] = await receiver.until(2)
    expect(request?.event).toMatchObject({ id: event.id, redacted: true, data: { version: 1 } })
    expect(request?.text).not.toContain('Ana')
  })

  it('sends nothing of a purged customer to a receiver that is slow', async () => {
    receiver.answer((_req, res) => void setTimeout(() => res.writeHead(204).end(), 800))
    await create({ events: ['customer.created.v1'] })
    const events = Array.from({ length: 12 }, () => anEvent('customer.created.v1', { name: 'Quetzalcoatl' }))
    await publish(...events)
    await receiver.until(4)
    const last = events.at(-1)
    await publish(anEvent('customer.purged.v1', {}, { subject: last?.subject }))
    await receiver.until(12)
    const request = receiver.requests.find(({ event }) => event.id === last?.id)
    expect(request?.event).toMatchObject({ redacted: true })
    expect(request?.text).not.toContain('Quetzalcoatl')
  })

  it('lists attempts with the answer, and removes it when the customer is purged', async () => {
    receiver.answer((_req, res, { text }) => void res.writeHead(200).end(`got ${text}\u0007`))
    const { body: webhook } = await create({ events: ['customer.created.v1'] })
    const event = anEvent('customer.created.v1', { name: 'Quetzalcoatl' })
    await publish(event)
    const path = `/v1/webhooks/${webhook.id}/deliveries`
    const [delivery] = await eventually(async () => {
      const { body } = await service.admin.get(path)
      expect(body.data).toHaveLength(1)
      return body.data
    })
    expect(delivery).toMatchObject({
      ...{ webhookId: webhook.id, eventId: event.id, type: event.type, subject: event.subject, attempt: 1 },
      ...{ status: 'delivered', responseStatus: 200, error: null, nextAttemptAt: null },
    })
    expect(delivery.answer).toMatch(/^got .*Quetzalcoatl/)
    expect(delivery.answer).not.toContain('\u0007')
    for (const [query, count] of [
      ['status=failed', 0],
      ['status=delivered', 1],
      [`subject=${event.subject}`, 1],
      ['type=order.placed.v1', 0],
      [`at[gt]=${delivery.at}`, 0],
    ])
      expect((await service.admin.get(`${path}?${query}`)).body.data).toHaveLength(count as number)
    await publish(anEvent('customer.purged.v1', {}, { subject: event.subject }))
    await eventually(async () => expect((await service.admin.get(path)).body.data[0].answer).toBeNull())
  })
})

describe('PATCH, DELETE and the other routes of a webhook', () => {
  it('changes settings by If-Match, with an event that names what has changed', async () => {
    const { body: webhook } = await create()
    const path = `/v1/webhooks/${webhook.id}`
    const changed = await service.admin.patch(path, { events: ['product.*'], ordered: true }, { 'if-match': '"1"' })
    expect(changed).toMatchObject({ status: 200, body: { events: ['product.*'], ordered: true, version: 2 } })
    expect((await service.admin.patch(path, { ordered: false }, { 'if-match': '"1"' })).status).toBe(412)
    expect((await service.admin.patch(path, { url: 'http://10.0.0.1/' })).status).toBe(422)
    await eventually(async () => {
      const event = (await recorded(service)).find(
        ({ type, subject }) => type === 'webhook.updated.v1' && subject === webhook.id,
      )
      expect(JSON.parse(event?.body ?? '').data).toMatchObject({ changed: ['events', 'ordered'] })
    })
    await publish(anEvent('product.created.v1'))
    expect((await receiver.until(1))[0]?.event.type).toBe('product.created.v1')
  })

  it('takes back what it has sent, also after it went on', async () => {
    const { body: webhook } = await create()
    const path = `/v1/webhooks/${webhook.id}`
    const { body: read } = await service.admin.get(path)
    await publish(anEvent('order.placed.v1'))
    await receiver.until(1)
    expect((await service.admin.patch(path, { ...read, description: 'Shelf' })).status).toBe(200)
    expect((await service.admin.patch(path, { ...read, createdAt: '2020-01-01T00:00:00.000Z' })).status).toBe(422)
  })

  it('sends nothing while it is deactivated, and goes on from there', async () => {
    const { body: webhook } = await create()
    const path = `/v1/webhooks/${webhook.id}`
    const off = await service.admin.patch(path, { active: false })
    expect(off.body).toMatchObject({ active: false, state: 'paused', pausedReason: 'deactivated' })
    const events = [anEvent('order.placed.v1'), anEvent('order.placed.v1'), anEvent('order.placed.v1')]
    await publish(...events)
    await eventually(async () => expect((await service.admin.get(path)).body.behind).toBe(3))
    expect(receiver.requests).toHaveLength(0)
    expect((await service.admin.post(`${path}/resume`)).body).toMatchObject({ state: 'active', pausedReason: null })
    await receiver.until(3)
    expect(receiver.ids().sort()).toEqual(events.map(({ id }) => id).sort())
  })

  it('sends a test at once and returns the answer', async () => {
    receiver.answer((_req, res) => void res.writeHead(503).end('closed'))
    const { body: webhook } = await create()
    const { status, body } = await service.admin.post(`/v1/webhooks/${webhook.id}/test`)
    expect(status).toBe(200)
    expect(body).toMatchObject({ status: 'failed', responseStatus: 503, error: 'status', answer: 'closed' })
    const [request] = receiver.requests
    expect(request?.event).toMatchObject({ id: body.id, type: 'webhook.test.v1', subject: webhook.id })
    const headers = request?.headers as Record<string, string>
    expect(() => new StandardWebhook(webhook.secret).verify(request?.text ?? '', headers)).not.toThrow()
    expect((await service.admin.get(`/v1/webhooks/${webhook.id}/deliveries`)).body.data).toHaveLength(0)
  })

  it('rotates the secret: both sign, and of two requests at once one wins', async () => {
    const { body: webhook } = await create()
    const rotate = () => service.admin.post(`/v1/webhooks/${webhook.id}/rotate-secret`)
    const answers = await Promise.all([rotate(), rotate()])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409])
    const rotated = answers.find(({ status }) => status === 200)?.body
    expect(Date.parse(rotated.previousExpiresAt) - Date.now()).toBeGreaterThan(23 * 3_600_000)
    await publish(anEvent('order.placed.v1'))
    const [request] = await receiver.until(1)
    const headers = request?.headers as Record<string, string>
    expect(headers['webhook-signature']?.split(' ')).toHaveLength(2)
    for (const secret of [webhook.secret, rotated.secret])
      expect(() => new SvixWebhook(secret).verify(request?.text ?? '', headers)).not.toThrow()
  })

  it('sends recorded events once more with the same ids, beside new ones', async () => {
    const { body: webhook } = await create()
    const path = `/v1/webhooks/${webhook.id}`
    const events = Array.from({ length: 5 }, () => anEvent('order.placed.v1'))
    const since = new Date().toISOString()
    await publish(...events)
    await receiver.until(5)
    await eventually(async () => expect((await service.admin.get(path)).body.behind).toBe(0))
    expect((await service.admin.post(`${path}/replay`, { since: '2999-01-01T00:00:00.000Z' })).status).toBe(422)
    expect((await service.admin.post(`${path}/replay`, { since, type: ['order.lost.v1'] })).body.errors).toMatchObject([
      { pointer: '/type/0' },
    ])
    await eventually(async () => {
      const [row] = await service.db.query<{ position: number }>('select position from webhooks where id = $1', [
        webhook.id,
      ])
      expect(row?.position).toBe((await recorded(service)).findLast(({ type }) => type === 'order.placed.v1')?.seq)
    })
    expect((await service.admin.post(`${path}/replay`, { since })).status).toBe(202)
    await receiver.until(10)
    expect(receiver.ids().slice(5).sort()).toEqual(events.map(({ id }) => id).sort())
    await eventually(async () => expect((await service.admin.get(path)).body.replay).toBeNull())
  })

  it('sends the event of an attempt once more', async () => {
    const { body: webhook } = await create()
    const path = `/v1/webhooks/${webhook.id}/deliveries`
    const event = anEvent('order.placed.v1')
    await publish(event)
    const [delivery] = await eventually(async () => {
      const { body } = await service.admin.get(path)
      expect(body.data).toHaveLength(1)
      return body.data
    })
    expect((await service.admin.post(`${path}/${delivery.id}/resend`)).status).toBe(202)
    await receiver.until(2)
    expect(receiver.ids()).toEqual([event.id, event.id])
    expect((await service.admin.post(`${path}/${newId()}/resend`)).status).toBe(404)
    await service.admin.delete(`/v1/webhooks/${webhook.id}`)
    expect((await service.admin.post(`${path}/${delivery.id}/resend`)).status).toBe(404)
    expect((await service.admin.get(path)).status).toBe(404)
  })

  it('every route responds with 404 for a webhook that does not exist', async () => {
    const routes: [method: string, path: string, body?: unknown][] = [
      ['GET', ''],
      ['PATCH', '', { description: 'Shelf' }],
      ['DELETE', ''],
      ['POST', '/test'],
      ['POST', '/rotate-secret'],
      ['POST', '/resume'],
      ['POST', '/replay', { since: '2026-01-01T00:00:00.000Z' }],
      ['GET', '/deliveries'],
      ['POST', `/deliveries/${newId()}/resend`],
    ]
    const headers = { 'content-type': 'application/json' }
    for (const [method, path, body] of routes)
      for (const [id, expected] of [
        [newId(), 404],
        ['x', 400],
      ]) {
        const init = body === undefined ? {} : { headers, body: JSON.stringify(body) }
        const { status } = await service.admin.raw(method, `/v1/webhooks/${id}${path}`, init)
        expect([method, path, status]).toEqual([method, path, expected])
      }
  })
})
