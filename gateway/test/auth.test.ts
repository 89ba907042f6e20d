import { randomUUID } from 'node:crypto'
import { userDisabled } from '@clientele/contracts/user'
import { type TestBroker, testBroker } from '@clientele/platform/testing/broker'
import { badTokens, createSignedInUser, type SignedInUser, signedInAs } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { startGateway, type TestGateway } from './gateway.ts'
import { open } from './raw-http.ts'

const disabledEvent = (revoked: SignedInUser) => {
  const time = new Date().toISOString()
  const data = {
    id: revoked.id,
    username: revoked.username,
    email: null,
    emailVerified: false,
    name: null,
    surname: null,
    displayName: revoked.username,
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
    subject: revoked.id,
    time,
    datacontenttype: 'application/json',
    data,
  }
}

describe('Authentication at the gateway', () => {
  let gateway: TestGateway
  let user: SignedInUser
  beforeAll(async () => {
    gateway = await startGateway()
    user = await signedInAs('user')
  }, 60_000)
  afterAll(() => gateway?.stop())

  it('a request without a token gets 401 with a challenge, on known and unknown paths alike', async () => {
    for (const path of ['/v1/customers', '/v1/nothing', '/v1', '/v1/customers/x/y/z']) {
      const { status, headers, body } = await gateway.as().get(path)
      expect({ path, status, code: body.code }).toEqual({ path, status: 401, code: 'unauthorized' })
      expect(headers.get('www-authenticate')).toContain(
        'resource_metadata="http://gateway.example/.well-known/oauth-protected-resource"',
      )
    }
    expect(gateway.customers.requests).toEqual([])
  })

  it('every kind of invalid token gets 401 invalid_token', async () => {
    for (const [kind, token] of Object.entries(await badTokens())) {
      const { status, body } = await gateway.as(token).get('/v1/customers')
      expect({ kind, status, code: body.code }).toEqual({ kind, status: 401, code: 'invalid_token' })
    }
    expect(gateway.customers.requests).toEqual([])
  }, 30_000)

  it('a token without our audience gets 401 that says how to add it', async () => {
    const { wrongAudience } = await badTokens()
    const { status, body, headers } = await gateway.as(wrongAudience).get('/v1/customers')
    expect([status, body.code]).toEqual([401, 'invalid_token'])
    const advice =
      /audience clientele-api: in Keycloak, add the client scope clientele-api .*docs\/identity-providers\.md/
    expect(body.detail).toMatch(advice)
    expect(headers.get('www-authenticate')).toContain(`error_description="${body.detail}"`)
  }, 30_000)

  it('a token with forged claims gets 401, even if a token with the same signature was verified before', async () => {
    expect((await gateway.as(user.token).get('/v1/customers')).status).toBe(200)
    const [header = '', payload = '', signature = ''] = user.token.split('.')
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
    const forged = Buffer.from(JSON.stringify({ ...claims, realm_access: { roles: ['admin'] } })).toString('base64url')
    for (const token of [`${header}.${forged}.${signature}`, `${header}x.${payload}.${signature}`])
      expect((await gateway.as(token).get('/v1/customers')).status).toBe(401)
  })

  it('other authentication schemes and malformed Authorization headers get 401', async () => {
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

  it('a signed-in user gets 404 on an unknown path, and 405 with Allow for an unknown method', async () => {
    const unknown = await gateway.as(user.token).get('/v1/nothing')
    expect({ status: unknown.status, code: unknown.body.code }).toEqual({ status: 404, code: 'not_found' })
    const wrong = await gateway.as(user.token).put('/v1/customers', {})
    expect({ status: wrong.status, code: wrong.body.code, allow: wrong.headers.get('allow') }).toEqual({
      status: 405,
      code: 'method_not_allowed',
      allow: 'GET, HEAD, POST',
    })
  })

  it('a route needs a token unless its OpenAPI document says otherwise', async () => {
    expect((await gateway.as().delete('/v1/customers/x')).status).toBe(401)
    expect((await gateway.as().patch('/v1/customers/x', {})).status).toBe(401)
  })

  it('a public route needs no token, and returns 405 without one', async () => {
    expect((await gateway.as().get('/v1/auth/config')).status).toBe(200)
    expect((await gateway.as().get('/v1/auth/login')).status).toBe(405)
  })

  it('an optional route needs no token, but rejects an invalid one', async () => {
    expect((await gateway.as().get('/v1/media/1/content?signature=x')).status).toBe(200)
    expect((await gateway.as('a.b.c').get('/v1/media/1/content')).status).toBe(401)
    const { body } = await gateway.as(user.token).get('/v1/media/1/content')
    expect(body.headers.authorization).toBe(`Bearer ${user.token}`)
  })

  it('a trailing slash is accepted without a redirect', async () => {
    const { status, body } = await gateway.as(user.token).get('/v1/customers/?limit=1')
    expect({ status, url: body.url }).toEqual({ status: 200, url: '/v1/customers?limit=1' })
  })

  it('HEAD works for every route that has GET', async () => {
    const { status, headers } = await gateway.as(user.token).raw('HEAD', '/v1/customers')
    expect({ status, type: headers.get('content-type') }).toEqual({ status: 200, type: 'application/json' })
  })
})

describe('Revocation', () => {
  let gateway: TestGateway
  let broker: TestBroker
  beforeAll(async () => {
    broker = await testBroker()
  })
  afterAll(() => broker?.close())
  afterEach(() => gateway?.stop())

  it('a revocation event invalidates a token within 5 s, ends its streams, and affects no other user', async () => {
    gateway = await startGateway({ revocationPollMs: 60_000, rabbitmqUrl: broker.url })
    const [revoked, other] = await Promise.all([createSignedInUser(['user']), createSignedInUser(['user'])])
    expect((await gateway.as(revoked.token).get('/v1/customers')).status).toBe(200)
    gateway.activity.handler = (_req, res) =>
      void res.writeHead(200, { 'content-type': 'text/event-stream' }).write(': hello\n\n')
    const { req, response } = open(`${gateway.url}/v1/events/stream`, {
      headers: { authorization: `Bearer ${revoked.token}`, accept: 'text/event-stream' },
    })
    req.end()
    const stream = await response
    const ended = new Promise((resolve) => stream.once('close', resolve))
    stream.on('error', () => {}).resume()

    await eventually(async () => expect(await broker.publish(disabledEvent(revoked))).toBe('confirmed'))
    const { body } = await eventually(
      async () => {
        const refused = await gateway.as(revoked.token).get('/v1/users/me')
        expect(refused.status).toBe(401)
        return refused
      },
      { timeoutMs: 5_000 },
    )
    expect(body.code).toBe('invalid_token')
    await ended
    expect((await gateway.as(other.token).get('/v1/users/me')).status).toBe(200)
  }, 40_000)

  it('the gateway loads revocations at startup, and accepts a token that was issued later', async () => {
    const revoked = await createSignedInUser(['user'])
    const notBefore = new Date().toISOString()
    const earlier = new Date(Date.now() - 3_600_000).toISOString()
    const other = await createSignedInUser(['user'])
    gateway = await startGateway(
      {},
      {
        prepare: (users) => {
          users.revocations = [
            { userId: revoked.id, notBefore },
            { userId: other.id, notBefore: earlier },
          ]
        },
      },
    )
    expect((await gateway.as(revoked.token).get('/v1/users/me')).status).toBe(401)
    expect((await gateway.as(other.token).get('/v1/users/me')).status).toBe(200)
  }, 40_000)

  it('the gateway reloads revocations when the broker is connected again', async () => {
    const revoked = await createSignedInUser(['user'])
    gateway = await startGateway({ revocationPollMs: 60_000, rabbitmqUrl: broker.url })
    // Once at the start, once because the broker was connected.
    await eventually(() => expect(gateway.users.revocationReads).toBeGreaterThanOrEqual(2))
    gateway.users.revocations = [{ userId: revoked.id, notBefore: new Date().toISOString() }]
    expect((await gateway.as(revoked.token).get('/v1/users/me')).status).toBe(200)
    await eventually(async () => expect(await broker.closeConnections('gateway')).toBeGreaterThan(0), { everyMs: 500 })
    await eventually(async () => expect((await gateway.as(revoked.token).get('/v1/users/me')).status).toBe(401))
  }, 40_000)

  it('the gateway polls user-service for revocations while the broker is unavailable', async () => {
    const revoked = await createSignedInUser(['user'])
    gateway = await startGateway({ revocationPollMs: 200, rabbitmqUrl: 'amqp://127.0.0.1:1' })
    expect((await gateway.as(revoked.token).get('/v1/users/me')).status).toBe(200)
    gateway.users.revocations = [{ userId: revoked.id, notBefore: new Date().toISOString() }]
    await eventually(async () => expect((await gateway.as(revoked.token).get('/v1/users/me')).status).toBe(401), {
      timeoutMs: 5_000,
    })
  }, 40_000)

  it('the gateway rejects requests until the revocations are loaded, and keeps serving if user-service becomes unavailable later', async () => {
    const { token } = await signedInAs('user')
    gateway = await startGateway({ userServiceInternalUrl: 'http://127.0.0.1:1' }, { wait: false })
    await eventually(async () =>
      expect((await gateway.as(token).get('/v1/customers')).body.detail).toBe('the revoked tokens are not known yet'),
    )
    const { status, body } = await gateway.as().get('/health/ready')
    expect(status).toBe(503)
    expect(body.checks).toContainEqual({ name: 'revocations', status: 'down', detail: 'not loaded yet' })
    await gateway.stop()

    gateway = await startGateway({ revocationPollMs: 100 })
    await gateway.users.stop()
    await eventually(async () => expect((await gateway.as().get('/health')).status).toBe(503))
    expect((await gateway.as(token).get('/v1/customers')).status).toBe(200)
    expect((await gateway.as().get('/health/ready')).status).toBe(200)
  }, 40_000)
})
