import { newId } from '@clientele/platform/data/db'
import { eventually } from '@clientele/platform/testing/wait'
import { type Receiver, startReceiver, status } from './receiver.ts'
import { anEvent, type RunningActivity, recorded, startActivity } from './start.ts'

// A day is a little more than a second, so four days pass within a test.
const timing = {
  ...{ tickMs: 50, pollMs: 50, flushMs: 20, leaseMs: 3_000, requestTimeoutMs: 2_000, connectTimeoutMs: 1_000 },
  ...{ retryMs: [50, 100, 200, 300, 400, 400, 400, 400, 400, 400], pauseAfterMs: 4_000, slowGapMs: 100 },
  maxRetryAfterMs: 1_000,
}

let service: RunningActivity
let receiver: Receiver

beforeAll(async () => {
  service = await startActivity({}, undefined, { timing })
}, 60_000)
afterAll(() => service?.stop(), 30_000)
// A new one for each test, because requests to a webhook that was deleted may arrive for a moment.
beforeEach(async () => {
  receiver = await startReceiver()
})

const created: string[] = []
const create = async (body: Record<string, unknown> = {}) => {
  const response = await service.admin.post('/v1/webhooks', { url: receiver.url, events: ['order.*'], ...body })
  created.push(response.body.id)
  return response.body
}
afterEach(async () => {
  for (const id of created.splice(0)) await service.admin.delete(`/v1/webhooks/${id}`)
  await receiver.close()
})

const publish = async (...events: ReturnType<typeof anEvent>[]) => {
  for (const event of events) expect(await service.broker.publish(event)).toBe('confirmed')
}
const anOrder = (subject = newId()) => anEvent('order.placed.v1', {}, { subject })
const orders = (count: number) => Array.from({ length: count }, () => anOrder())
const read = async (id: string) => (await service.admin.get(`/v1/webhooks/${id}`)).body
const until = (id: string, expected: Record<string, unknown>, timeoutMs = 15_000) =>
  eventually(async () => expect(await read(id)).toMatchObject(expected), { timeoutMs })
const deliveries = async (id: string, query = '') =>
  (await service.admin.get(`/v1/webhooks/${id}/deliveries?sort=at&limit=200${query}`)).body.data
const leases = async () => {
  const rows = await service.db.query<{ id: string; leasedBy: string | null }>(
    'select id, leased_by as "leasedBy" from webhooks',
  )
  return new Map(rows.map(({ id, leasedBy }) => [id, leasedBy]))
}
/** Lets the receiver take that many milliseconds for each request. @returns what the most requests at the same time were */
const answerAfter = (ms: number): (() => number) => {
  let [running, most] = [0, 0]
  receiver.answer((_req, res) => {
    running += 1
    most = Math.max(most, running)
    setTimeout(() => {
      running -= 1
      res.writeHead(204).end()
    }, ms)
  })
  return () => most
}
const idsOf = (events: { id: string }[]) => events.map(({ id }) => id).sort()

describe('Retries', () => {
  it.each([
    ['300 without following it', status(301, { location: 'http://127.0.0.1:1/' }), 'status'],
    ['400', status(400), 'status'],
    ['500', status(500), 'status'],
    ['a cut connection', (req: { socket: { destroy(): void } }) => void req.socket.destroy(), 'connection'],
    ['no answer', () => {}, 'timeout'],
    [
      'an answer that is too late',
      (_req: unknown, res: { writeHead(code: number): { end(): void } }) =>
        void setTimeout(() => res.writeHead(200).end(), 2_500),
      'timeout',
    ],
    ['a header of 1 MB', status(200, { 'x-long': 'a'.repeat(1_000_000) }), 'connection'],
  ] as const)('tries again after %s', async (_name, answer, error) => {
    const { id } = await create()
    receiver.answer(answer as never)
    const order = anOrder()
    await publish(order)
    await receiver.until(1)
    receiver.answer()
    await receiver.until(2)
    expect(receiver.ids()).toEqual([order.id, order.id])
    expect(new Set(receiver.requests.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([order.id]))
    await eventually(async () =>
      expect(await deliveries(id)).toMatchObject([
        { attempt: 1, status: 'failed', error, nextAttemptAt: expect.any(String) },
        { attempt: 2, status: 'delivered', error: null, nextAttemptAt: null },
      ]),
    )
    await until(id, { behind: 0, failingSince: null })
  })

  it('counts a good status although the answer never ends', async () => {
    receiver.answer((_req, res) => {
      res.writeHead(200)
      const timer = setInterval(() => res.write('a'), 100)
      res.on('close', () => clearInterval(timer))
    })
    const { id } = await create()
    await publish(anOrder())
    await eventually(async () =>
      expect(await deliveries(id)).toMatchObject([{ status: 'delivered', responseStatus: 200 }]),
    )
  })

  it('reads 64 kB of an answer of any length, and keeps 1 kB', async () => {
    let sent = 0
    receiver.answer((_req, res) => {
      const chunk = Buffer.alloc(65_536, 'a')
      const write = (): void => {
        while (!res.destroyed && sent < 1e9) {
          sent += chunk.length
          if (!res.write(chunk)) return void res.once('drain', write)
        }
      }
      write()
    })
    const { id } = await create()
    await publish(anOrder())
    await eventually(async () =>
      expect(await deliveries(id)).toMatchObject([{ status: 'delivered', answer: 'a'.repeat(1_024) }]),
    )
    expect(sent).toBeLessThan(50_000_000)
  })

  it.each([
    ['seconds', () => '1', 900, 3_000],
    ['a date', () => new Date(Date.now() + 2_000).toUTCString(), 700, 3_000],
    ['a year, of which a day counts', () => '31536000', 900, 3_000],
    ['rubbish, which is ignored', () => 'soon', 0, 900],
  ])('waits as long as Retry-After says: %s', async (_name, retryAfter, atLeast, atMost) => {
    await create()
    receiver.answer(status(429, { 'retry-after': retryAfter() }))
    await publish(anOrder())
    await receiver.until(1)
    receiver.answer()
    const [first, second] = await receiver.until(2)
    const waited = (second?.at ?? 0) - (first?.at ?? 0)
    expect(waited).toBeGreaterThanOrEqual(atLeast)
    expect(waited).toBeLessThan(atMost)
  })

  it('gives up one event after the last retry, while others arrive', async () => {
    const bad = anOrder()
    receiver.answer((_req, res, { event }) => void res.writeHead(event.id === bad.id ? 500 : 204).end())
    const { id } = await create()
    await publish(bad)
    const good = setInterval(() => void publish(anOrder()), 40)
    await eventually(
      async () => {
        const attempts = await deliveries(id, `&subject=${bad.subject}`)
        expect(attempts.at(-1)).toMatchObject({ attempt: 11, status: 'failed', nextAttemptAt: null })
      },
      { timeoutMs: 20_000 },
    )
    clearInterval(good)
    await until(id, { state: 'active', behind: 0 })
  }, 40_000)

  it('with ordered, lets later events of the subject wait, and others pass', async () => {
    const subject = newId()
    const [first, second, third, other] = [anOrder(subject), anOrder(subject), anOrder(subject), anOrder()]
    let failures = 3
    receiver.answer((_req, res, { event }) => {
      if (event.id === first.id) failures -= 1
      res.writeHead(event.id === first.id && failures >= 0 ? 500 : 204).end()
    })
    const { id } = await create({ ordered: true })
    await publish(first, second, other, third)
    await until(id, { behind: 0 })
    await receiver.until(7)
    expect(receiver.ids().filter((each) => each !== other.id)).toEqual([
      ...Array(4).fill(first.id),
      second.id,
      third.id,
    ])
    expect(receiver.ids().indexOf(other.id)).toBeLessThan(4)
  })

  it('with ordered, sends one event of a subject at a time', async () => {
    const subject = newId()
    const most = answerAfter(20)
    await create({ ordered: true })
    const events = Array.from({ length: 10 }, () => anOrder(subject))
    await publish(...events)
    await receiver.until(10)
    expect(receiver.ids()).toEqual(events.map(({ id }) => id))
    expect(most()).toBe(1)
  })

  it('sends four requests at a time, and a slow receiver does not hold up another', async () => {
    const most = answerAfter(300)
    const quick = await startReceiver()
    await create()
    await create({ url: quick.url })
    await publish(...orders(12))
    await quick.until(12)
    expect(receiver.requests.length).toBeLessThan(12)
    await receiver.until(12)
    expect(most()).toBe(4)
    await quick.close()
  })
})

describe('A failing webhook', () => {
  it('tries only the oldest event, and lets the rest flow after the first success', async () => {
    receiver.answer(status(500))
    const { id } = await create()
    const first = anOrder()
    await publish(first)
    await until(id, { state: 'failing', failingSince: expect.any(String) })
    const rest = orders(20)
    await publish(...rest)
    await eventually(async () => expect((await read(id)).behind).toBe(21))
    expect(new Set(receiver.ids())).toEqual(new Set([first.id]))
    receiver.answer()
    receiver.requests.length = 0
    await receiver.until(21, 20_000)
    expect(receiver.ids()[0]).toBe(first.id)
    expect(receiver.ids().sort()).toEqual(idsOf([first, ...rest]))
    // Ten a second at first.
    const times = receiver.requests.map(({ at }) => at)
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(1_500)
    await until(id, { state: 'active', behind: 0, failingSince: null })
  }, 40_000)

  it('is paused after three days with an event, and loses nothing when it is resumed', async () => {
    await receiver.close()
    const { id } = await create()
    const events = orders(8)
    await publish(...events)
    await until(id, { state: 'paused', pausedReason: 'failing', active: false }, 20_000)
    const paused = await eventually(async () => {
      const found = (await recorded(service)).filter(
        ({ type, subject }) => type === 'webhook.paused.v1' && subject === id,
      )
      expect(found).toHaveLength(1)
      return found[0]
    })
    expect(JSON.parse(paused?.body ?? '').data).toMatchObject({
      pausedReason: 'failing',
      actor: { id: 'system:activity-service' },
    })
    const later = orders(3)
    await publish(...later)
    await receiver.open()
    await service.admin.post(`/v1/webhooks/${id}/resume`)
    await receiver.until(11)
    expect(receiver.ids().sort()).toEqual(idsOf([...events, ...later]))
    await until(id, { state: 'active', behind: 0 })
  }, 60_000)

  it('tries a new address at once', async () => {
    const broken = await startReceiver(status(500, { 'retry-after': '1000' }))
    const { id } = await create({ url: broken.url })
    const events = orders(6)
    await publish(...events)
    await until(id, { state: 'failing' })
    await service.admin.patch(`/v1/webhooks/${id}`, { url: receiver.url })
    await receiver.until(6)
    expect(receiver.ids().sort()).toEqual(idsOf(events))
    await until(id, { state: 'active', behind: 0 })
    await broken.close()
  })

  it('does not go on while 10,000 events wait', async () => {
    const other = await startReceiver()
    const [{ id }] = [await create({ active: false }), await create({ url: other.url })]
    // Events that are not kept any more.
    await service.db.query(
      `insert into webhook_retries (webhook_id, seq, recorded_at, subject, attempts, next_at)
      select $1, -seq, now(), 'gone', 1, now() + interval '1 hour' from generate_series(1, 10000) as seq`,
      [id],
    )
    await service.db.query('update webhooks set paused_reason = null where id = $1', [id])
    const order = anOrder()
    await eventually(async () => expect((await leases()).get(id)).not.toBeNull())
    await publish(order)
    await other.until(1)
    expect((await read(id)).behind).toBe(10_000)
    expect(receiver.requests).toHaveLength(0)
    await service.db.query('update webhook_retries set next_at = now() where webhook_id = $1', [id])
    await receiver.until(1)
    expect(receiver.ids()).toEqual([order.id])
    await other.close()
  }, 30_000)

  it('is paused at once by 410', async () => {
    receiver.answer(status(410))
    const { id } = await create()
    const order = anOrder()
    await publish(order)
    await until(id, { state: 'paused', pausedReason: 'gone', behind: 1 })
    receiver.answer()
    receiver.requests.length = 0
    await service.admin.patch(`/v1/webhooks/${id}`, { active: true })
    expect((await receiver.until(1))[0]?.event.id).toBe(order.id)
  })

  it('makes no events that a webhook for its own kind would fail to get', async () => {
    receiver.answer(status(500))
    const { id } = await create({ events: ['webhook.*'] })
    await until(id, { state: 'failing' })
    const count = (await recorded(service)).filter(({ subject }) => subject === id).length
    await receiver.until(8)
    expect((await recorded(service)).filter(({ subject }) => subject === id)).toHaveLength(count)
  })
})
