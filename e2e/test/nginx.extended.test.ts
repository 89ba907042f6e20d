import { setTimeout as pause } from 'node:timers/promises'
import { client } from '@clientele/platform/testing/client'
import { signedInAs } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { openEventStream } from '../event-stream.ts'
import { startNginx } from '../nginx.ts'
import { type System, startSystem } from '../system.ts'

let system: System
let nginx: Awaited<ReturnType<typeof startNginx>>
beforeAll(async () => {
  system = await startSystem()
  nginx = await startNginx(system.gateway)
}, 120_000)
afterAll(async () => {
  await nginx?.stop()
  await system?.close()
}, 60_000)

it('through nginx with its defaults, events arrive one by one, and silence does not end the stream', async () => {
  const { token } = await signedInAs('user')
  const user = client(system.gateway, token)
  const createCustomer = async (): Promise<string> =>
    (await user.post('/v1/customers', { name: 'Ana', surname: 'Lovelace' })).body.id
  const stream = await eventually(() => openEventStream(nginx.url, token, '?type=customer.*'))
  expect(stream.headers['content-encoding']).toBeUndefined()
  await stream.until(await createCustomer(), 2_000)
  await stream.until(await createCustomer(), 2_000)
  await pause(20_000)
  expect(stream.text()).toMatch(/\n\n: ok\n\n$/)
  await stream.until(await createCustomer(), 2_000)
  expect([stream.hasEnded(), stream.events().length]).toEqual([false, 3])
  stream.close()
}, 60_000)
