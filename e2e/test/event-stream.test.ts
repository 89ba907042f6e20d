import { type Client, client } from '@clientele/platform/testing/client'
import { createSignedInUser, signedInAs, signIn } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { openEventStream } from '../event-stream.ts'
import { type System, startSystem } from '../system.ts'

let system: System
let admin: Client
let user: { id: string; token: string }
beforeAll(async () => {
  system = await startSystem()
  admin = client(system.gateway, (await signedInAs('admin')).token)
  user = await signedInAs('user')
}, 120_000)
afterAll(() => system?.close(), 60_000)

const createCustomer = async (): Promise<string> =>
  (await admin.post('/v1/customers', { name: 'Ana', surname: 'Lovelace' })).body.id

const newUser = () => {
  const username = `new-${Math.random().toString(36).slice(2, 12)}`
  return { username, email: `${username}@example.com`, password: 'a long enough Passw0rd', roles: ['user'] }
}

it('whoever loses a role gets nothing any more, and with a new token what is left', async () => {
  const demoted = await createSignedInUser(['user', 'admin'])
  const stream = await openEventStream(system.gateway, demoted.token)
  await stream.until((await admin.post('/v1/users', newUser())).body.id)
  await eventually(async () => expect((await admin.delete(`/v1/users/${demoted.id}/roles/admin`)).status).toBe(204))
  await eventually(() => expect(stream.hasEnded()).toBe(true), { timeoutMs: 5_000 })
  const count = stream.events().length
  const { token } = await eventually(() => signIn(demoted.username, demoted.password))
  const again = await eventually(async () => {
    const opened = await openEventStream(system.gateway, token)
    expect(opened.status).toBe(200)
    return opened
  })
  const another = (await admin.post('/v1/users', newUser())).body.id
  await again.until(await createCustomer())
  expect(again.events().map(({ subject }) => subject)).not.toContain(another)
  expect(stream.events().length).toBe(count)
  again.close()
}, 90_000)

it('whoever is disabled gets nothing any more', async () => {
  const disabled = await createSignedInUser(['user'])
  const stream = await openEventStream(system.gateway, disabled.token)
  await stream.until(await createCustomer())
  await eventually(async () =>
    expect((await admin.patch(`/v1/users/${disabled.id}`, { enabled: false })).status).toBe(200),
  )
  await eventually(() => expect(stream.hasEnded()).toBe(true), { timeoutMs: 5_000 })
  const refused = await openEventStream(system.gateway, disabled.token)
  expect(refused.status).toBe(401)
}, 60_000)

it('a stream of a gateway that stops ends in order, and goes on at the next one where it was', async () => {
  const stream = await openEventStream(system.gateway, user.token, '?type=customer.*')
  const first = await createCustomer()
  await stream.until(first)
  const [, lastId] = /^id: (\d+)$/m.exec(stream.text()) ?? []
  await system.terminate('gateway')
  expect(stream.text()).toMatch(/\n\nevent: bye\ndata: \{"reason":"shutdown"\}\n\n$/)
  await system.start('gateway')
  const missed = await createCustomer()
  const again = await openEventStream(system.gateway, user.token, `?type=customer.*&lastEventId=${lastId}`)
  await again.until(missed)
  expect(again.events().map(({ subject }) => subject)).toEqual([missed])
  again.close()
}, 60_000)
