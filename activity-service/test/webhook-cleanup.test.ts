import { client } from '@clientele/platform/testing/client'
import { signedInAs } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { Webhook as StandardWebhook } from 'standardwebhooks'
import { type Receiver, startReceiver } from './receiver.ts'
import { type RunningActivity, startActivity } from './start.ts'

const [oldKey, newKey] = ['an old key of thirty-two characters', 'a new key of thirty-two characters']

let service: RunningActivity
let receiver: Receiver
beforeAll(async () => {
  ;[service, receiver] = await Promise.all([startActivity({ webhookSecretKeys: [oldKey] }), startReceiver()])
}, 60_000)
afterAll(() => Promise.all([service?.stop(), receiver?.close()]), 30_000)

const create = async () => (await service.admin.post('/v1/webhooks', { url: receiver.url, events: ['order.*'] })).body
const secretOf = async (id: string) => {
  const [row] = await service.db.query<{ secret: Buffer }>('select secret from webhooks where id = $1', [id])
  return row?.secret ?? Buffer.alloc(0)
}
const partitions = async () => {
  const sql = `select relname as name from pg_inherits join pg_class on pg_class.oid = inhrelid
    where inhparent = 'webhook_deliveries'::regclass order by relname`
  return (await service.db.query<{ name: string }>(sql)).map(({ name }) => name)
}

it('secrets are encrypted with a new key, and then do without the old one', async () => {
  const webhook = await create()
  const before = await secretOf(webhook.id)
  const replica = await service.startReplica({ webhookSecretKeys: [newKey, oldKey] })
  await eventually(async () => expect((await secretOf(webhook.id)).equals(before)).toBe(false))
  await replica.stop()
  // The old key alone cannot sign any more, and nothing is sent without a signature.
  const { body } = await service.admin.post(`/v1/webhooks/${webhook.id}/test`)
  expect(body).toMatchObject({ status: 'failed', error: 'secret', responseStatus: null })
  expect(receiver.requests).toHaveLength(0)
  const later = await service.startReplica({ webhookSecretKeys: [newKey] })
  const admin = client(later.url, (await signedInAs('admin')).token)
  expect((await admin.post(`/v1/webhooks/${webhook.id}/test`)).body).toMatchObject({ status: 'delivered', error: null })
  const [request] = receiver.requests
  const headers = request?.headers as Record<string, string>
  expect(() => new StandardWebhook(webhook.secret).verify(request?.text ?? '', headers)).not.toThrow()
  await later.stop()
}, 60_000)

it('attempts are kept for 14 days, in a partition for each day', async () => {
  const days = [-20, -15, -14, -1]
  for (const day of days) await service.db.query('select create_delivery_partition(current_date + $1::integer)', [day])
  expect(await partitions()).toHaveLength(6)
  const replica = await service.startReplica()
  await eventually(async () => expect(await partitions()).toHaveLength(4))
  await replica.stop()
})

it('metrics tell of attempts and webhooks', async () => {
  const response = await fetch(`${service.internalUrl}/metrics`)
  const text = await response.text()
  expect(text).toMatch(/^clientele_webhook_attempts_total\{outcome="delivered"\} \d+$/m)
  expect(text).toMatch(/^clientele_webhooks\{state="active"\} \d+$/m)
  expect(text).toMatch(/^clientele_webhooks_behind \d+$/m)
})
