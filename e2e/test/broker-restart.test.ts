import { type Client, client } from '@clientele/platform/testing/client'
import { newPerson, tokenFor } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { type OwnBroker, startOwnBroker } from '@clientele/stack/testing/own-broker'
import { recordOf, services } from '../services.ts'
import { type System, startSystem } from '../system.ts'

let broker: OwnBroker
let system: System
let user: Client
beforeAll(async () => {
  broker = await startOwnBroker()
  system = await startSystem(recordOf(services, { RABBITMQ_URL: broker.url }))
  user = client(system.gateway, (await tokenFor('user')).token)
}, 180_000)
afterAll(async () => {
  await system?.close()
  await broker?.remove()
}, 90_000)

it('a broker that restarts costs no request and no event', async () => {
  await broker.stop()
  const colleague = await newPerson(['user'])
  const as = client(system.gateway, colleague.token)
  const made = await as.post('/v1/customers', { name: 'Without', surname: 'Broker' })
  expect(made.status).toBe(201)
  await broker.start()
  const admin = client(system.gateway, (await tokenFor('admin')).token)
  await eventually(async () =>
    expect((await admin.patch(`/v1/users/${colleague.id}`, { name: 'Renamed', surname: 'Later' })).status).toBe(200),
  )
  await eventually(
    async () =>
      expect((await user.get(`/v1/customers/${made.body.id}`)).body.createdBy.displayName).toBe('Renamed Later'),
    { timeoutMs: 30_000 },
  )
  await admin.patch(`/v1/users/${colleague.id}`, { enabled: false })
  await eventually(async () => expect((await as.get('/v1/customers')).status).toBe(401), { timeoutMs: 5_000 })
}, 120_000)
