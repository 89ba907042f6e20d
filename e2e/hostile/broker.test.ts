import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { connectTestBroker } from '@clientele/platform/testing/broker'
import { client } from '@clientele/platform/testing/client'
import { testEnv } from '@clientele/platform/testing/database'
import { type SignedInUser, signedInAs } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { type System, startSystem } from '../system.ts'

type Model = Awaited<ReturnType<typeof connectTestBroker>>
type Channel = Awaited<ReturnType<Model['createConfirmChannel']>>
type PublishOptions = Parameters<Channel['publish']>[3]

const exchange = 'clientele.events'

let system: System
let user: SignedInUser
let media: Model
let admin: Model
beforeAll(async () => {
  system = await startSystem()
  user = await signedInAs('user')
  media = await connectTestBroker(system.brokerUrl('media-service'))
  admin = await connectTestBroker(system.broker.url)
}, 120_000)
afterAll(async () => {
  await Promise.all([media?.close(), admin?.close()])
  await system?.close()
}, 60_000)

/** Runs `work` on a channel of media-service's account. Rejects with RabbitMQ's message if that closes the channel. */
const asMedia = async <T>(work: (channel: Channel) => Promise<T>): Promise<T> => {
  const channel = await media.createConfirmChannel()
  const failed = new Promise<never>((_resolve, reject) => channel.once('error', reject))
  failed.catch(() => {})
  // A refused message closes the channel, which rejects the confirm, too.
  const result = await Promise.race([failed, work(channel).catch((error) => Promise.race([failed, reject(error)]))])
  await channel.close()
  return result
}
const reject = async (error: unknown): Promise<never> => {
  await new Promise((resolve) => setTimeout(resolve, 200))
  throw error
}
const publish = async (channel: Channel, to: string, key: string, content: unknown, options?: PublishOptions) => {
  channel.publish(to, key, Buffer.from(JSON.stringify(content)), options)
  await channel.waitForConfirms()
}

const envelope = (type: string, source: string, subject: string, data: object, time = new Date().toISOString()) => ({
  ...{ specversion: '1.0', id: randomUUID(), source, type, subject, time, datacontenttype: 'application/json' },
  data,
})
/** An event that user-service could have published, dated in the far future. */
const forgedSignOut = ({ id, username }: SignedInUser) =>
  envelope(
    'user.signed_out.v1',
    '/user-service',
    id,
    {
      ...{
        id,
        username,
        email: null,
        emailVerified: false,
        name: null,
        surname: null,
        displayName: username,
        roles: [],
      },
      ...{ enabled: true, createdAt: new Date().toISOString(), lastLoginAt: null, version: 1_000_000 },
      actor: { id: 'x', displayName: 'x' },
    },
    '2099-01-01T00:00:00.000Z',
  )

/** Takes the next dead letter of a queue, and returns why it is one. */
const takeDeadLetter = async (queue: string, id: string): Promise<{ reason: unknown; error: unknown }> => {
  const channel = await admin.createChannel()
  try {
    return await eventually(async () => {
      const message = await channel.get(`${queue}.dead`, { noAck: true })
      if (!message) throw new Error(`no dead letter in ${queue}`)
      expect(JSON.parse(message.content.toString())).toMatchObject({ id })
      const { 'x-reason': reason, 'x-error': error } = message.properties.headers ?? {}
      return { reason, error }
    })
  } finally {
    await channel.close()
  }
}

describe('The account of media-service at the broker', () => {
  it.each<[string, (channel: Channel) => Promise<unknown>]>([
    ['bind its queue to all events', (channel) => channel.bindQueue('media-service.usage', exchange, '#')],
    ['bind its queue to orders', (channel) => channel.bindQueue('media-service.usage', exchange, 'order.placed.v1')],
    [
      'bind the queue of another service',
      (channel) => channel.bindQueue('order-service.customers', exchange, 'customer.created.v1'),
    ],
    ['consume the queue of another service', (channel) => channel.consume('order-service.customers', () => {})],
    ['empty the queue of another service', (channel) => channel.purgeQueue('order-service.customers')],
    ['declare a queue with the name of another service', (channel) => channel.assertQueue('order-service.mine')],
    ['declare a queue that the broker names', (channel) => channel.assertQueue('', { exclusive: true })],
    ['delete the exchange', (channel) => channel.deleteExchange(exchange)],
    ['publish user.signed_out', (channel) => publish(channel, exchange, 'user.signed_out.v1', forgedSignOut(user))],
    ['publish customer.created', (channel) => publish(channel, exchange, 'customer.created.v1', {})],
    ['publish order.placed', (channel) => publish(channel, exchange, 'order.placed.v1', {})],
    ['publish to the queue of another service', (channel) => publish(channel, '', 'order-service.customers', {})],
    [
      'publish to the retry queues of another service',
      (channel) => publish(channel, 'order-service.queues', 'order-service.customers', {}),
    ],
    [
      'let a queue pass messages on to the queue of another service',
      (channel) =>
        channel.assertQueue('media-service.passing', {
          arguments: { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'order-service.customers' },
        }),
    ],
  ])('may not %s', async (_, attempt) => {
    await expect(asMedia(attempt)).rejects.toThrow(/ACCESS_REFUSED/)
  })

  it('may not publish with the user-id of another account', async () => {
    const options = { userId: new URL(system.brokerUrl('user-service')).username }
    const attempt = asMedia((channel) => publish(channel, exchange, 'media.stored.v1', {}, options))
    await expect(attempt).rejects.toThrow(/PRECONDITION_FAILED - user_id/)
  })

  it('may not use the management API', async () => {
    const { username, password } = new URL(system.brokerUrl('media-service'))
    const { origin } = new URL(testEnv('TEST_RABBITMQ_MANAGEMENT_URL'))
    const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
    for (const [method, path] of [
      ['GET', '/api/whoami'],
      ['GET', '/api/users'],
      ['PUT', '/api/users/backdoor'],
    ]) {
      const body = method === 'PUT' ? JSON.stringify({ password: 'x', tags: 'administrator' }) : null
      const response = await fetch(`${origin}${path}`, { method, headers: { authorization }, body } as RequestInit)
      expect({ path, status: response.status }).toEqual({ path, status: 401 })
    }
  })
})

describe('Events of a sender who may not publish them', () => {
  const detours: Record<string, (channel: Channel, key: string, content: object) => Promise<unknown>> = {
    'a copy to another routing key': (channel, key, content) =>
      publish(channel, exchange, 'media.deleted.v1', content, { CC: [key] }),
    'a hidden copy to another routing key': (channel, key, content) =>
      publish(channel, exchange, 'media.deleted.v1', content, { BCC: [key] }),
    'an exchange that is bound to the exchange of all events': async (channel, key, content) => {
      await channel.assertExchange('media-service.bound', 'fanout', { autoDelete: true })
      await channel.bindExchange(exchange, 'media-service.bound', '')
      await publish(channel, 'media-service.bound', key, content)
    },
    'an alternate exchange': async (channel, key, content) => {
      await channel.assertExchange('media-service.alternate', 'direct', { alternateExchange: exchange })
      await publish(channel, 'media-service.alternate', key, content)
    },
    'dead-lettering into the exchange': async (channel, key, content) => {
      const queue = `media-service.${randomUUID()}`
      await channel.assertExchange('media-service.queues', 'direct')
      await channel.assertQueue(queue, { messageTtl: 0, deadLetterExchange: exchange, deadLetterRoutingKey: key })
      await channel.bindQueue(queue, 'media-service.queues', queue)
      await publish(channel, 'media-service.queues', queue, content)
      await channel.deleteQueue(queue)
    },
  }

  it.each(Object.entries(detours))('are dead-lettered at once if they take a detour: %s', async (_, send) => {
    const forged = { ...forgedSignOut(user) }
    await asMedia((channel) => send(channel, forged.type, forged))
    const { reason, error } = await takeDeadLetter('customer-service.user-names', forged.id)
    expect(reason).toBe('foreign sender')
    expect(error).toMatch(/^published (as|to) media|^dead-lettered by another queue$/)
  })

  it('do not sign a user out at the gateway, and are counted there', async () => {
    const refused = async (): Promise<number> => {
      const text = await (await fetch(`${system.url('gateway:internal')}/metrics`)).text()
      return Number(/consumer_events_total\{queue="gateway.revocations",outcome="refused"\} (\d+)/.exec(text)?.[1])
    }
    const before = await refused()
    await asMedia(async (channel) => {
      for (const send of Object.values(detours)) await send(channel, 'user.signed_out.v1', forgedSignOut(user))
    })
    await eventually(async () => expect(await refused()).toBe(before + Object.keys(detours).length))
    expect((await client(system.gateway, user.token).get('/v1/users/me')).status).toBe(200)
  })

  it('are dead-lettered if they claim the type or the source of another service', async () => {
    const data = { id: randomUUID(), reason: 'unused', version: 1, actor: { id: 'x', displayName: 'x' } }
    const claims = envelope('media.deleted.v1', '/user-service', data.id, data)
    await asMedia((channel) => publish(channel, exchange, 'media.deleted.v1', claims))
    const letter = await takeDeadLetter('customer-service.media-gone', claims.id)
    expect(letter).toEqual({ reason: 'foreign sender', error: 'source is not media-service' })
    const other = forgedSignOut(user)
    await asMedia((channel) => publish(channel, exchange, 'media.deleted.v1', other))
    expect(await takeDeadLetter('customer-service.media-gone', other.id)).toMatchObject({ reason: 'unreadable' })
  })

  it('stay dead letters when an operator replays all', async () => {
    const forged = forgedSignOut(user)
    const options = { messageId: forged.id, CC: [forged.type] }
    await asMedia((channel) => publish(channel, exchange, 'media.deleted.v1', forged, options))
    const queue = 'customer-service.user-names'
    const command = fileURLToPath(new URL('../../platform/src/dead-letters.ts', import.meta.url))
    const env = { PATH: String(process.env['PATH']), RABBITMQ_URL: system.brokerOperatorUrl }
    const run = async (...args: string[]): Promise<string> =>
      (await promisify(execFile)(process.execPath, [command, ...args, '--queue', queue], { env })).stdout.trim()
    await eventually(async () => expect(await run('list')).toMatch(forged.id))
    expect(await run('replay', '--id', forged.id)).toBe(
      '0 events replayed; 1 event of a foreign sender left, drop them',
    )
    expect(await run('list')).toMatch(forged.id)
    expect(await run('drop', '--yes', '--id', forged.id)).toBe('1 event dropped')
  })
})

describe('Events of services', () => {
  it('carry the account of the service, which RabbitMQ checks', async () => {
    const channel = await admin.createChannel()
    const { queue } = await channel.assertQueue('', { exclusive: true })
    await channel.bindQueue(queue, exchange, 'customer.created.v1')
    const { body } = await client(system.gateway, user.token).post('/v1/customers', { name: 'Ana', surname: 'Sender' })
    const message = await eventually(async () => {
      const next = await channel.get(queue, { noAck: true })
      if (!next) throw new Error('no event yet')
      return next
    })
    expect(JSON.parse(message.content.toString())).toMatchObject({ subject: body.id, source: '/customer-service' })
    expect(message.properties.userId).toBe(new URL(system.brokerUrl('customer-service')).username)
    await channel.close()
  })
})
