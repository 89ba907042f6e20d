import { customerPurged } from '@clientele/contracts/customer'
import type { TokenVerifier } from '@clientele/platform/auth/token-verifier'
import { createSignedInUser, signedInAs } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { recordedEvents } from '../src/consumers/events.consumer.ts'
import { anEvent, recorded, untilRecorded } from './start.ts'
import { openStream, type Stream, type StreamingService, startStreaming } from './stream-reader.ts'

let service: StreamingService
let user: { id: string; token: string }
let admin: { id: string; token: string }
const opened: Stream[] = []

beforeAll(async () => {
  ;[user, admin] = await Promise.all([signedInAs('user'), signedInAs('admin')])
})
afterEach(async () => {
  for (const stream of opened.splice(0)) stream.close()
  await service?.stop()
})

const open = async (options: Partial<Parameters<typeof openStream>[1]> = {}, url = service.url): Promise<Stream> => {
  const stream = await openStream(url, { token: user.token, ...options })
  opened.push(stream)
  return stream
}
const after = (id: number | string, options: Partial<Parameters<typeof openStream>[1]> = {}) =>
  open({ headers: { 'last-event-id': String(id) }, ...options })

type Event = ReturnType<typeof anEvent>
/** Publishes events in their order. */
const publish = async (events: Event[], headers = {}): Promise<void> => {
  const outcomes = await Promise.all(events.map((each) => service.broker.publish(each, headers)))
  expect(new Set(outcomes)).toEqual(new Set(['confirmed']))
}
const idsOf = (events: { data?: string }[]): string[] =>
  events.map(({ data }) => (JSON.parse(data ?? '{}') as { id: string }).id)
const seqsOf = (events: { id?: string }[]): number[] => events.map(({ id }) => Number(id))
const someEvents = (count: number, type = 'customer.created.v1'): Event[] =>
  Array.from({ length: count }, () => anEvent(type))

describe('A stream', () => {
  it('begins at once with what comes next, with the bytes of each event as they arrived', async () => {
    service = await startStreaming()
    await publish([anEvent('customer.created.v1')])
    await untilRecorded(service, 1)
    const stream = await open()
    expect({ status: stream.status, headers: stream.headers }).toMatchObject({
      status: 200,
      headers: {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-cache, no-transform',
        'x-accel-buffering': 'no',
      },
    })
    await eventually(() => expect(stream.text()).toBe('retry: 2000\n\n'))
    const event = anEvent('customer.updated.v1', { name: 'Ana\nLovelace' })
    await publish([event])
    await stream.untilEvents(1)
    expect(stream.text()).toBe(`retry: 2000\n\nid: 2\ndata: ${JSON.stringify(event)}\n\n`)
  })

  it('writes an event whose JSON has several lines as several lines of data', async () => {
    service = await startStreaming()
    const stream = await open()
    const event = anEvent('customer.updated.v1', { name: 'Ana' })
    const text = JSON.stringify(event, undefined, 2)
    await service.broker.publishRaw(event.type, Buffer.from(text))
    const [frame] = await stream.untilEvents(1)
    expect(frame?.data).toBe(text)
  })

  it('says `: ok` while nothing happens', async () => {
    service = await startStreaming({ pingMs: 1_000 })
    const stream = await open()
    await eventually(() => expect(stream.text()).toMatch(/^retry: 2000\n\n: ok\n\n: ok\n\n/), { timeoutMs: 6_000 })
  })

  it('answers HEAD with the headers only', async () => {
    service = await startStreaming()
    const { status, headers, body } = await service.user.raw('HEAD', '/v1/events/stream')
    expect([status, headers.get('content-type'), body]).toEqual([200, 'text/event-stream; charset=utf-8', undefined])
  })

  it.each([
    [
      '406 with the way to whoever accepts only JSON',
      '',
      'application/json',
      406,
      'not_acceptable',
      'text/event-stream',
    ],
    ['400 to an unknown type', '?type=customer.moved.v1', '*/*', 400, 'invalid_parameter', 'customer.created.v1'],
    ['400 to a parameter that is given twice', '?type=order.*&type=user.*', '*/*', 400, 'invalid_parameter', 'commas'],
    ['400 to an unknown parameter', '?types=order.*', '*/*', 400, 'unknown_parameter', 'types'],
  ])('answers %s', async (_name, path, accept, status, code, detail) => {
    service = await startStreaming()
    const { body, ...response } = await service.user.get(`/v1/events/stream${path}`, { accept })
    expect({ status: response.status, code: body.code }).toEqual({ status, code })
    expect(JSON.stringify(body)).toContain(detail)
  })
})

describe('A stream that resumes', () => {
  it('gets what came after its last id, by header or parameter, and then what comes next', async () => {
    service = await startStreaming()
    const past = someEvents(1_300)
    await publish(past)
    await untilRecorded(service, past.length)
    const [byHeader, byParameter, both] = await Promise.all([
      after(3),
      open({ path: '?lastEventId=3' }),
      after(1_290, { path: '?lastEventId=3' }),
    ])
    await publish(someEvents(3))
    const all = await untilRecorded(service, 1_303)
    for (const stream of [byHeader, byParameter]) {
      await stream.untilEvents(1_300)
      expect(idsOf(stream.events())).toEqual(all.slice(3).map(({ eventId }) => eventId))
      expect(seqsOf(stream.events())).toEqual(all.slice(3).map(({ seq }) => seq))
    }
    expect(seqsOf(await both.untilEvents(13))[0]).toBe(1_291)
  })

  it.each([
    ['that is no number', 'yesterday', 'unknown'],
    ['of another installation', '999999', 'unknown'],
    ['that is longer than any number', '9'.repeat(40), 'unknown'],
    ['that is too far behind', '2', 'behind'],
  ])('gets a resync with the newest id for an id %s, and goes on from there', async (_name, id, reason) => {
    service = await startStreaming({ maxBehind: 10 })
    await publish(someEvents(20))
    await untilRecorded(service, 20)
    const stream = await after(id)
    const resync = await stream.until('resync')
    expect(resync).toEqual({ id: '20', event: 'resync', data: JSON.stringify({ reason }) })
    await publish(someEvents(2))
    expect(seqsOf(await stream.untilEvents(2))).toEqual([21, 22])
  })

  it('gets a resync if events after its id are no longer kept', async () => {
    service = await startStreaming()
    await publish(someEvents(6))
    await untilRecorded(service, 6)
    await service.db.query(`insert into seals (class, month, first_seq, last_seq, rows, previous, hash, dropped_at)
      values ('passing', '2026-01-01', 1, 4, 4, '', '', now())`)
    expect(await (await after(3)).until('resync')).toMatchObject({ id: '6' })
    expect(seqsOf(await (await after(4)).untilEvents(2))).toEqual([5, 6])
  })

  it('gets an event of a purged customer without its data, from memory and from the table alike', async () => {
    service = await startStreaming()
    const customer = anEvent('customer.created.v1', { name: 'Grace Hopper' })
    await publish([customer])
    await untilRecorded(service, 1)
    // Now it is in memory.
    expect((await (await after(0)).untilEvents(1))[0]?.data).toContain('Grace Hopper')
    const { subject } = customer
    await publish([anEvent(customerPurged.type, {}, { subject })])
    const stream = await eventually(async () => {
      opened.pop()?.close()
      const resumed = await after(0)
      await resumed.untilEvents(2, 2_000)
      expect(resumed.text()).not.toContain('Grace')
      return resumed
    })
    const [redacted] = stream.events()
    expect(redacted?.id).toBe('1')
    expect(JSON.parse(redacted?.data ?? '')).toMatchObject({ id: customer.id, type: customer.type, redacted: true })
  })

  it('may not read more past events than the budget of its user', async () => {
    service = await startStreaming({}, { rowsPerMinute: 100 })
    await publish(someEvents(620))
    await untilRecorded(service, 620)
    const replica = await service.startReplica()
    // It has nothing in memory, so all comes from the table.
    const stream = await openStream(replica.url, { token: user.token, path: '?lastEventId=0' })
    await stream.untilEvents(600)
    stream.close()
    const refused = await openStream(replica.url, { token: user.token, path: '?lastEventId=0' })
    expect({ status: refused.status, retry: Number(refused.headers['retry-after']) }).toMatchObject({ status: 429 })
    expect((await openStream(replica.url, { token: admin.token, path: '?lastEventId=610' })).status).toBe(200)
    await replica.stop()
  })
})

describe('Who gets what', () => {
  it('users get what they may know of, and admins everything', async () => {
    service = await startStreaming()
    const [ofUser, ofAdmin] = await Promise.all([open(), open({ token: admin.token })])
    const actor = { id: user.id, displayName: 'User' }
    const visible = [
      anEvent('customer.created.v1'),
      anEvent('user.updated.v1', {}, { subject: user.id }),
      anEvent('import.finished.v1', { actor }),
      anEvent('order.placed.v1'),
    ]
    const hidden = [anEvent('user.updated.v1'), anEvent('import.finished.v1'), anEvent('robot.walked.v3')]
    const last = anEvent('product.created.v1')
    await publish([...hidden, ...visible, last])
    await ofAdmin.untilEvents(8)
    await ofUser.untilEvents(5)
    const rows = await recorded(service)
    expect(idsOf(ofAdmin.events())).toEqual(rows.map(({ eventId }) => eventId))
    const hiddenIds = hidden.map(({ id }) => id)
    expect(idsOf(ofUser.events())).toEqual(rows.map(({ eventId }) => eventId).filter((id) => !hiddenIds.includes(id)))
  })

  it('of all types of events, users get those of the records that all share', async () => {
    service = await startStreaming()
    const [ofUser, ofAdmin] = await Promise.all([open(), open({ token: admin.token })])
    await publish(recordedEvents.map(({ type }) => anEvent(type)))
    await publish([anEvent('customer.created.v1')])
    await ofAdmin.untilEvents(recordedEvents.length + 1)
    const typesOf = (stream: Stream) => {
      const told = stream.events().map(({ data }) => (JSON.parse(data ?? '') as { type: string }).type)
      return [...new Set(told)].sort()
    }
    const types = recordedEvents.map(({ type }) => type).sort()
    expect(typesOf(ofAdmin)).toEqual(types)
    const shared = types.filter((type) => /^(customer|product|order|notification|media)\./.test(type))
    expect(shared.length).toBeLessThan(types.length)
    await eventually(() => expect(typesOf(ofUser)).toEqual(shared))
    expect(typesOf(ofUser)).toEqual(shared)
  })

  it('filters by types, kinds and subject, live and past', async () => {
    service = await startStreaming()
    const subject = '0190a5c4-6f00-7000-8000-0000000000c7'
    const paths = ['?type=order.*,customer.created.v1', `?subject=${subject}`]
    const live = await Promise.all(paths.map((path) => open({ path })))
    await publish([
      anEvent('customer.created.v1'),
      anEvent('customer.updated.v1', {}, { subject }),
      anEvent('order.placed.v1'),
      anEvent('product.created.v1'),
    ])
    const rows = await untilRecorded(service, 4)
    const past = await Promise.all(paths.map((path) => after(0, { path })))
    const types = (stream?: Stream) =>
      seqsOf(stream?.events() ?? []).map((seq) => rows.find((row) => row.seq === seq)?.type)
    for (const [byType, bySubject] of [live, past]) {
      await Promise.all([byType?.untilEvents(2), bySubject?.untilEvents(1)])
      expect(types(byType).sort()).toEqual(['customer.created.v1', 'order.placed.v1'])
      expect(types(bySubject)).toEqual(['customer.updated.v1'])
    }
  })

  it('counts events of imports once a second, and sends them only with bulk=true', async () => {
    service = await startStreaming()
    const [counting, all] = await Promise.all([open(), open({ path: '?bulk=true' })])
    await publish(someEvents(30), { bulk: true })
    await publish(someEvents(20, 'product.created.v1'), { bulk: true })
    await publish([anEvent('order.placed.v1')])
    await all.untilEvents(51)
    await counting.untilEvents(1)
    const countsOf = () => {
      const sum: Record<string, number> = {}
      for (const { event, data } of counting.frames())
        if (event === 'bulk')
          for (const [type, count] of Object.entries(
            (JSON.parse(data ?? '') as { counts: Record<string, number> }).counts,
          ))
            sum[type] = (sum[type] ?? 0) + count
      return sum
    }
    await eventually(() => expect(countsOf()).toEqual({ 'customer.created.v1': 30, 'product.created.v1': 20 }))
    expect(counting.events()).toHaveLength(1)
    expect(counting.frames().filter(({ event }) => event === 'bulk').length).toBeLessThanOrEqual(3)
    expect(counting.frames().at(-1)?.id).toBe('51')
    expect(all.frames().every(({ event }) => event === undefined)).toBe(true)
  })

  it('tells a client whose filter leaves out everything a newer id, so that it does not fall behind', async () => {
    service = await startStreaming({ pingMs: 1_000, maxBehind: 1_200 })
    const stream = await open({ path: '?type=user.*' })
    await publish(someEvents(1_100))
    const told = await eventually(() => {
      const frame = stream.frames().find(({ id }) => id !== undefined)
      if (!frame) throw new Error('no id yet')
      return frame
    })
    expect(told.comment).toBe('ok')
    expect(told.data).toBeUndefined()
    expect(Number(told.id)).toBeGreaterThanOrEqual(1_000)
  })
})

describe('The end of a stream', () => {
  it('comes before the token expires, with a reason', async () => {
    const { token } = await createSignedInUser(['user'])
    const { exp, iat } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<
      'exp' | 'iat',
      number
    >
    const expiryMarginMs = (exp - iat - 4) * 1_000
    service = await startStreaming({ expiryMarginMs })
    const stream = await open({ token })
    expect(stream.text()).not.toContain('bye')
    expect(await stream.until('bye', 20_000)).toEqual({ event: 'bye', data: '{"reason":"token"}' })
    expect(exp * 1_000 - Date.now()).toBeLessThanOrEqual(expiryMarginMs)
    expect(exp * 1_000 - Date.now()).toBeGreaterThan(0)
    await eventually(() => expect(stream.ended()).toBe(true))
  }, 40_000)

  it('comes at once when the token is revoked, and also if only the session is known', async () => {
    service = await startStreaming()
    const [disabled, signedOut] = await Promise.all([createSignedInUser(['user']), createSignedInUser(['user'])])
    const verifier = service.verifiers[0] as TokenVerifier
    const { sessionId = '' } = (await verifier.verify(signedOut.token)).actor
    const streams = await Promise.all([open({ token: disabled.token }), open({ token: signedOut.token }), open()])
    const notBefore = new Date(Date.now() + 2_000).toISOString()
    verifier.revocations.add([
      { userId: disabled.id, notBefore },
      { sessionId, notBefore },
    ])
    await streams[0]?.until('bye', 500)
    await streams[1]?.until('bye', 2_500)
    await publish([anEvent('customer.created.v1')])
    await streams[2]?.untilEvents(1)
    expect(streams.map((stream) => stream.events().length)).toEqual([0, 0, 1])
  })

  it('comes with the shutdown, at once and in order', async () => {
    service = await startStreaming()
    const replica = await service.startReplica()
    const streams = await Promise.all(Array.from({ length: 6 }, () => open({}, replica.url)))
    const startedAt = performance.now()
    await replica.stop()
    expect(performance.now() - startedAt).toBeLessThan(3_000)
    for (const stream of streams) {
      expect(await stream.until('bye')).toEqual({ event: 'bye', data: '{"reason":"shutdown"}' })
      expect(stream.ended()).toBe(true)
    }
  })
})

describe('Limits of streams', () => {
  it('a user may have eight, and may open another one when one has ended', async () => {
    service = await startStreaming()
    const held = await Promise.all(Array.from({ length: 12 }, () => open()))
    const statuses = held.map(({ status }) => status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(8)
    const refused = held.find(({ status }) => status !== 200)
    expect([refused?.status, refused?.headers['retry-after']]).toEqual([429, '5'])
    expect((await open({ token: admin.token })).status).toBe(200)
    held.find(({ status }) => status === 200)?.close()
    await eventually(async () => expect((await open()).status).toBe(200))
  })

  it('a refused request takes no place', async () => {
    service = await startStreaming({}, { streamsPerUser: 2 })
    for (let times = 0; times < 5; times++)
      expect((await service.user.get('/v1/events/stream?type=x')).status).toBe(400)
    expect((await open()).status).toBe(200)
  })

  it('a replica has a limit of all streams', async () => {
    service = await startStreaming({}, { maxStreams: 2 })
    expect((await open()).status).toBe(200)
    expect((await open({ token: admin.token })).status).toBe(200)
    const refused = await open({ token: admin.token })
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '2'])
  })

  it('a client that does not read gets what waits for it, then a resync, and then goes on', async () => {
    service = await startStreaming()
    const [slow, quick] = await Promise.all([open(), open({ token: admin.token })])
    slow.pause()
    const count = 700
    const note = 'x'.repeat(30_000)
    for (let index = 0; index < count; index += 100)
      await publish(Array.from({ length: 100 }, () => anEvent('customer.updated.v1', { note })))
    await quick.untilEvents(count, 20_000)
    slow.resume()
    const resync = await slow.until('resync', 20_000)
    expect(resync).toEqual({ id: String(count), event: 'resync', data: '{"reason":"slow"}' })
    const got = seqsOf(slow.events())
    expect(got).toEqual(got.map((_, index) => index + 1))
    expect(got.length).toBeLessThan(count)
    await publish([anEvent('order.placed.v1')])
    await eventually(() => expect(slow.events().at(-1)?.id).toBe(String(count + 1)))
    expect(quick.frames().every(({ event }) => event === undefined)).toBe(true)
  }, 60_000)

  it('a client that reads nothing for too long is cut', async () => {
    service = await startStreaming({ stallMs: 2_000 })
    const stream = await open()
    stream.pause()
    const note = 'x'.repeat(60_000)
    for (let index = 0; index < 400; index += 100)
      await publish(Array.from({ length: 100 }, () => anEvent('customer.updated.v1', { note })))
    const metrics = async () =>
      (await (await fetch(`${service.internalUrl}/metrics`)).text()).match(/^clientele_event_streams (\d+)/m)
    await eventually(async () => expect((await metrics())?.[1]).toBe('0'), { timeoutMs: 15_000 })
  }, 60_000)
})
