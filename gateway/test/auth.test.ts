import { randomUUID } from 'node:crypto'
import { userDisabled } from '@clientele/contracts/user'
import { type TestBroker, testBroker } from '@clientele/platform/testing/broker'
import { badTokens, newPerson, type SignedIn, tokenFor } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { startGateway, type TestGateway } from './gateway.ts'
import { open } from './wire.ts'

const disabled = (person: SignedIn) => {
  const time = new Date().toISOString()
  const data = {
    id: person.id,
    username: person.username,
    email: null,
    emailVerified: false,
    name: null,
    surname: null,
    displayName: person.username,
    roles: [],
    enabled: false,
    createdAt: time,
    lastLoginAt: null,
    version: 2,
    actor: { id: 'system:test', displayName: 'test' },
  }
  return {
    specversion: '1.0',
    id: randomUUID(),
    source: '/user-service',
    type: userDisabled.type,
    subject: person.id,
    time,
    datacontenttype: 'application/json',
    data,
  }
}

describe('who may pass (S0-01, S1-27, S2-24, S3-21, S3-32, S4-25)', () => {
  let gateway: TestGateway
  let user: SignedIn
  beforeAll(async () => {
    gateway = await startGateway()
    user = await tokenFor('user')
  }, 60_000)
  afterAll(() => gateway?.stop())

  it('answers 401 with a challenge without a token, on known and unknown paths alike', async () => {
    for (const path of ['/v1/customers', '/v1/nothing', '/v1', '/v1/customers/x/y/z']) {
      const { status, headers, body } = await gateway.as().get(path)
      expect({ path, status, code: body.code }).toEqual({ path, status: 401, code: 'unauthorized' })
      expect(headers.get('www-authenticate')).toContain(
        'resource_metadata="http://gateway.example/.well-known/oauth-protected-resource"',
      )
    }
    expect(gateway.customers.requests).toEqual([])
  })

  it('answers 401 invalid_token to every kind of bad token', async () => {
    for (const [kind, token] of Object.entries(await badTokens())) {
      const { status, body } = await gateway.as(token).get('/v1/customers')
      expect({ kind, status, code: body.code }).toEqual({ kind, status: 401, code: 'invalid_token' })
    }
    expect(gateway.customers.requests).toEqual([])
  }, 30_000)

  it('answers 401 to other claims under the signature of a token that it knows', async () => {
    expect((await gateway.as(user.token).get('/v1/customers')).status).toBe(200)
    const [header = '', payload = '', signature = ''] = user.token.split('.')
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
    const forged = Buffer.from(JSON.stringify({ ...claims, realm_access: { roles: ['admin'] } })).toString('base64url')
    for (const token of [`${header}.${forged}.${signature}`, `${header}x.${payload}.${signature}`])
      expect((await gateway.as(token).get('/v1/customers')).status).toBe(401)
  })

  it('answers 401 to other schemes and a header that is no token', async () => {
    for (const authorization of [
      'Basic dTpw',
      'Token abc',
      'Bearer',
      `Bearer ${'x'.repeat(9_000)}`,
      `Bearer ${user.token} x`,
    ]) {
      const { status } = await gateway.as().get('/v1/customers', { authorization })
      expect(status).toBe(401)
    }
  })

  it('answers 404 on an unknown path and 405 with Allow on a known one, to somebody signed in', async () => {
    const unknown = await gateway.as(user.token).get('/v1/nothing')
    expect({ status: unknown.status, code: unknown.body.code }).toEqual({ status: 404, code: 'not_found' })
    const wrong = await gateway.as(user.token).put('/v1/customers', {})
    expect({ status: wrong.status, code: wrong.body.code, allow: wrong.headers.get('allow') }).toEqual({
      status: 405,
      code: 'method_not_allowed',
      allow: 'GET, HEAD, POST',
    })
  })

  it('needs a token where a document does not say that none is needed', async () => {
    expect((await gateway.as().delete('/v1/customers/x')).status).toBe(401)
    expect((await gateway.as().patch('/v1/customers/x', {})).status).toBe(401)
  })

  it('lets public routes through without a token, and says 405 there without one', async () => {
    expect((await gateway.as().get('/v1/auth/config')).status).toBe(200)
    expect((await gateway.as().get('/v1/auth/login')).status).toBe(405)
  })

  it('lets optional routes through without a token, but not with a bad one', async () => {
    expect((await gateway.as().get('/v1/media/1/content?signature=x')).status).toBe(200)
    expect((await gateway.as('a.b.c').get('/v1/media/1/content')).status).toBe(401)
    const { body } = await gateway.as(user.token).get('/v1/media/1/content')
    expect(body.headers.authorization).toBe(`Bearer ${user.token}`)
  })

  it('accepts a trailing slash without a redirect (X13)', async () => {
    const { status, body } = await gateway.as(user.token).get('/v1/customers/?limit=1')
    expect({ status, url: body.url }).toEqual({ status: 200, url: '/v1/customers?limit=1' })
  })

  it('answers HEAD where there is a GET', async () => {
    const { status, headers } = await gateway.as(user.token).raw('HEAD', '/v1/customers')
    expect({ status, type: headers.get('content-type') }).toEqual({ status: 200, type: 'application/json' })
  })
})

describe('revocation', () => {
  let gateway: TestGateway
  let broker: TestBroker
  beforeAll(async () => {
    broker = await testBroker()
  })
  afterAll(() => broker?.close())
  afterEach(() => gateway?.stop())

  it('refuses a token within 5 s of an event, ends its streams, and leaves others alone', async () => {
    gateway = await startGateway({ revocationPollMs: 60_000, rabbitmqUrl: broker.url })
    const [person, other] = await Promise.all([newPerson(['user']), newPerson(['user'])])
    expect((await gateway.as(person.token).get('/v1/customers')).status).toBe(200)
    gateway.customers.handler = (_req, res) =>
      void res.writeHead(200, { 'content-type': 'text/event-stream' }).write(': hello\n\n')
    const { req, answer } = open(`${gateway.url}/v1/customers`, {
      headers: { authorization: `Bearer ${person.token}`, accept: 'text/event-stream' },
    })
    req.end()
    const stream = await answer
    const ended = new Promise((resolve) => stream.once('close', resolve))
    stream.on('error', () => {}).resume()

    await eventually(async () => expect(await broker.publish(disabled(person))).toBe('confirmed'))
    const { body } = await eventually(
      async () => {
        const refused = await gateway.as(person.token).get('/v1/users/me')
        expect(refused.status).toBe(401)
        return refused
      },
      { timeoutMs: 5_000 },
    )
    expect(body.code).toBe('invalid_token')
    await ended
    expect((await gateway.as(other.token).get('/v1/users/me')).status).toBe(200)
  }, 40_000)

  it('reads at the start who was revoked meanwhile; a token issued later passes', async () => {
    const person = await newPerson(['user'])
    const notBefore = new Date().toISOString()
    const earlier = new Date(Date.now() - 3_600_000).toISOString()
    const other = await newPerson(['user'])
    gateway = await startGateway(
      {},
      {
        prepare: (users) => {
          users.revocations = [
            { userId: person.id, notBefore },
            { userId: other.id, notBefore: earlier },
          ]
        },
      },
    )
    expect((await gateway.as(person.token).get('/v1/users/me')).status).toBe(401)
    expect((await gateway.as(other.token).get('/v1/users/me')).status).toBe(200)
  }, 40_000)

  it('asks who was revoked meanwhile when the broker is back', async () => {
    const person = await newPerson(['user'])
    gateway = await startGateway({ revocationPollMs: 60_000, rabbitmqUrl: broker.url })
    // Once at the start, once because the broker was connected.
    await eventually(() => expect(gateway.users.asked).toBeGreaterThanOrEqual(2))
    gateway.users.revocations = [{ userId: person.id, notBefore: new Date().toISOString() }]
    expect((await gateway.as(person.token).get('/v1/users/me')).status).toBe(200)
    await eventually(async () => expect(await broker.cut('gateway')).toBeGreaterThan(0), { everyMs: 500 })
    await eventually(async () => expect((await gateway.as(person.token).get('/v1/users/me')).status).toBe(401))
  }, 40_000)

  it('finds out without the broker too, by asking user-service', async () => {
    const person = await newPerson(['user'])
    gateway = await startGateway({ revocationPollMs: 200, rabbitmqUrl: 'amqp://127.0.0.1:1' })
    expect((await gateway.as(person.token).get('/v1/users/me')).status).toBe(200)
    gateway.users.revocations = [{ userId: person.id, notBefore: new Date().toISOString() }]
    await eventually(async () => expect((await gateway.as(person.token).get('/v1/users/me')).status).toBe(401), {
      timeoutMs: 5_000,
    })
  }, 40_000)

  it('lets nobody in before the list was read once, and goes on when user-service is away later', async () => {
    const { token } = await tokenFor('user')
    gateway = await startGateway({ userServiceInternalUrl: 'http://127.0.0.1:1' }, { wait: false })
    await eventually(async () =>
      expect((await gateway.as(token).get('/v1/customers')).body.detail).toBe('still starting'),
    )
    const { status, body } = await gateway.as().get('/health/ready')
    expect(status).toBe(503)
    expect(body.checks).toContainEqual({ name: 'revocations', status: 'down', detail: 'not read yet' })
    await gateway.stop()

    gateway = await startGateway({ revocationPollMs: 100 })
    await gateway.users.stop()
    await eventually(async () => expect((await gateway.as().get('/health')).status).toBe(503))
    expect((await gateway.as(token).get('/v1/customers')).status).toBe(200)
    expect((await gateway.as().get('/health/ready')).status).toBe(200)
  }, 40_000)
})
