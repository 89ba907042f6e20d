import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { newId } from '@clientele/platform/data/db'
import { eventually } from '@clientele/platform/testing/wait'
import { type Receiver, startReceiver } from './receiver.ts'
import { anEvent, type RunningActivity, startActivity } from './start.ts'

const timing = { tickMs: 50, pollMs: 50, flushMs: 20, leaseMs: 1_500, retryMs: [100, 100, 100, 100] }

let service: RunningActivity
let receivers: Receiver[]
beforeEach(async () => {
  service = await startActivity({}, undefined, { timing })
  receivers = await Promise.all([startReceiver(), startReceiver()])
}, 60_000)
afterEach(() => Promise.all([service?.stop(), ...receivers.map(({ close }) => close())]), 30_000)

const createAll = async () => {
  for (const { url } of receivers)
    expect((await service.admin.post('/v1/webhooks', { url, events: ['order.*'], ordered: true })).status).toBe(201)
}
const publish = async (count: number, subject = newId()) => {
  const events = Array.from({ length: count }, () => anEvent('order.placed.v1', {}, { subject }))
  for (const event of events) expect(await service.broker.publish(event)).toBe('confirmed')
  return events.map(({ id }) => id)
}
const holders = async () => {
  const rows = await service.db.query<{ leasedBy: string | null }>('select leased_by as "leasedBy" from webhooks')
  return rows.map(({ leasedBy }) => leasedBy)
}
const isShared = async () => expect(new Set(await holders()).size).toBe(2)

/** The ids in the order of their first arrival. */
const firsts = (receiver: Receiver) => [...new Set(receiver.ids())]

/** Starts another replica as a process of its own, which can be killed. */
const spawnReplica = (): ChildProcess => {
  const keycloak = process.env['TEST_KEYCLOAK_URL']
  const env = {
    PATH: process.env['PATH'],
    PROFILE: 'local',
    ...{ HOST: '127.0.0.1', PORT: '0', INTERNAL_HOST: '127.0.0.1', INTERNAL_PORT: '0', LOG_LEVEL: 'error' },
    DATABASE_URL: service.database.url,
    RABBITMQ_URL: service.broker.url,
    KEYCLOAK_URL: keycloak,
    KEYCLOAK_ISSUER: `${keycloak}/realms/clientele`,
    USER_SERVICE_INTERNAL_URL: 'http://127.0.0.1:1',
    WEBHOOK_SECRET_KEYS: 'a key of the tests that encrypts secrets',
    WEBHOOK_ALLOW_HTTP: 'true',
    WEBHOOK_ALLOW_NETWORKS: '127.0.0.0/8',
  }
  const main = new URL('../src/main.ts', import.meta.url).pathname
  return spawn(process.execPath, [main], { env, stdio: ['ignore', 'inherit', 'inherit'] })
}

describe('Two replicas', () => {
  it('share the webhooks, and one that stops leaves its own to the other', async () => {
    await createAll()
    const replica = await service.startReplica()
    await eventually(isShared)
    const ids = await publish(20)
    await Promise.all(receivers.map((receiver) => receiver.until(20)))
    await replica.stop()
    ids.push(...(await publish(20)))
    await Promise.all(receivers.map((receiver) => receiver.until(40)))
    for (const receiver of receivers) expect(receiver.ids()).toEqual(ids)
  }, 60_000)

  it('deliver every event in order after one of them was killed, some of them twice', async () => {
    await createAll()
    const child = spawnReplica()
    await eventually(isShared, { timeoutMs: 60_000 })
    for (const receiver of receivers)
      receiver.answer((_req, res) => void setTimeout(() => res.writeHead(204).end(), 50))
    const ids = await publish(40)
    await Promise.all(receivers.map((receiver) => receiver.until(10)))
    child.kill('SIGKILL')
    await once(child, 'exit')
    // Its lease ends.
    const [own] = await service.db.query<{ id: string }>('select id from webhook_senders order by seen_at desc limit 1')
    await service.db.query(`update webhooks set leased_until = now() where leased_by <> $1`, [own?.id])
    await eventually(
      () => {
        for (const receiver of receivers) expect(firsts(receiver)).toEqual(ids)
      },
      { timeoutMs: 30_000 },
    )
    for (const { requests } of receivers)
      for (const { headers, event } of requests) expect(headers['webhook-id']).toBe(event.id)
  }, 120_000)
})
