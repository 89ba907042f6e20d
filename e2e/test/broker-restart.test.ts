import { type Client, client } from '@clientele/platform/testing/client'
import { createSignedInUser, signedInAs } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { type RestartableBroker, startRestartableBroker } from '@clientele/stack/testing/test-broker'
import { recordOf, services } from '../services.ts'
import { type System, startSystem } from '../system.ts'

let broker: RestartableBroker
let system: System
let user: Client
beforeAll(async () => {
  broker = await startRestartableBroker()
  system = await startSystem(recordOf(services, { RABBITMQ_URL: broker.url }))
  user = client(system.gateway, (await signedInAs('user')).token)
}, 180_000)
afterAll(async () => {
  await system?.close()
  await broker?.remove()
}, 90_000)

it('a restart of RabbitMQ fails no request and loses no event', async () => {
  await broker.stop()
  const colleague = await createSignedInUser(['user'])
  const userClient = client(system.gateway, colleague.token)
  const made = await userClient.post('/v1/customers', { name: 'Without', surname: 'Broker' })
  expect(made.status).toBe(201)
  await broker.start()
  const admin = client(system.gateway, (await signedInAs('admin')).token)
  await eventually(async () =>
    expect((await admin.patch(`/v1/users/${colleague.id}`, { name: 'Renamed', surname: 'Later' })).status).toBe(200),
  )
  await eventually(
    async () =>
      expect((await user.get(`/v1/customers/${made.body.id}`)).body.createdBy.displayName).toBe('Renamed Later'),
    { timeoutMs: 30_000 },
  )
  await admin.patch(`/v1/users/${colleague.id}`, { enabled: false })
  await eventually(async () => expect((await userClient.get('/v1/customers')).status).toBe(401), { timeoutMs: 5_000 })
}, 120_000)
