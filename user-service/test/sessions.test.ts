import { randomUUID } from 'node:crypto'
import { revocationsOver } from '@clientele/platform/service/revocation-reader'
import { requestToken } from '@clientele/platform/testing/realm'
import { signIn } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { attempts, tryOften } from './same-second.ts'
import { password, startUsers, type UsersService } from './users-service.ts'

let users: UsersService
beforeAll(async () => {
  users = await startUsers()
}, 120_000)
afterAll(() => users?.end(), 60_000)

const in5s = { timeoutMs: 5_000, everyMs: 100 }
const sidOf = (token: string): string =>
  (JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { sid: string }).sid
// Keycloak may reject a sign-in that follows the user's previous one too quickly.
const newSession = (username: string) =>
  eventually(() => signIn(username, password, 'test-client', users.realm.name), { everyMs: 700 })
const refresh = (refreshToken: string) =>
  requestToken(users.realm.name, { grant_type: 'refresh_token', client_id: 'test-client', refresh_token: refreshToken })
const expectRefused = (token: string) =>
  eventually(async () => expect((await users.as(token).get('/v1/users/me')).status).toBe(401), in5s)

describe('Sessions', () => {
  it('GET /v1/users/me/sessions lists the own sessions, and GET /v1/users/{id}/sessions those of a user for an admin', async () => {
    const { id, username } = await users.createUser()
    const [first, second] = [await newSession(username), await newSession(username)]
    const own = await users.as(first.token).get('/v1/users/me/sessions')
    expect(own.status).toBe(200)
    const session = {
      startedAt: expect.any(String),
      lastUsedAt: expect.any(String),
      clients: ['test-client'],
      ipAddress: expect.any(String),
      offline: false,
    }
    const expected = (current: boolean) =>
      expect.arrayContaining([
        { ...session, id: sidOf(first.token), current },
        { ...session, id: sidOf(second.token), current: false },
      ])
    expect(own.body.data).toEqual(expected(true))
    const listed = await users.admin().get(`/v1/users/${id}/sessions`)
    expect(listed.body.data).toHaveLength(2)
    expect(listed.body.data).toEqual(expected(false))
    expect(await users.as(first.token).get(`/v1/users/${id}/sessions`)).toMatchObject({ status: 403 })
    expect(await users.admin().get(`/v1/users/${randomUUID()}/sessions`)).toMatchObject({ status: 404 })
  }, 30_000)

  it('a session that is ended alone is over within 5 s, and the other sessions of the user go on', async () => {
    const { id, username } = await users.createUser()
    const [mine, other, third] = [await newSession(username), await newSession(username), await newSession(username)]
    const path = `/v1/users/me/sessions/${sidOf(other.token)}`
    expect(await users.as(mine.token).delete(path)).toMatchObject({ status: 204 })
    const { data } = await users.events.next('user.signed_out.v1', id, 5_000)
    expect(data).toMatchObject({ revocations: [{ userId: id, sessionId: sidOf(other.token) }] })
    await expectRefused(other.token)
    await expect(refresh(other.refreshToken)).rejects.toThrow('invalid_grant')
    expect(await users.as(mine.token).delete(path)).toMatchObject({ status: 404 })

    const ended = await users.admin().delete(`/v1/users/${id}/sessions/${sidOf(third.token)}`)
    expect(ended).toMatchObject({ status: 204 })
    await expectRefused(third.token)
    expect(await users.as(mine.token).get('/v1/users/me')).toMatchObject({ status: 200 })
    const next = await refresh(mine.refreshToken)
    expect(await users.as(next.access_token).get('/v1/users/me')).toMatchObject({ status: 200 })
  }, 60_000)

  it('a session of somebody else is not found, and goes on', async () => {
    const [ann, bob] = [await users.createUser(), await users.createUser()]
    const [own, foreign] = [await newSession(ann.username), await newSession(bob.username)]
    const sid = sidOf(foreign.token)
    expect(await users.as(own.token).delete(`/v1/users/me/sessions/${sid}`)).toMatchObject({ status: 404 })
    expect(await users.admin().delete(`/v1/users/${ann.id}/sessions/${sid}`)).toMatchObject({ status: 404 })
    expect(await users.as(own.token).delete(`/v1/users/${bob.id}/sessions/${sid}`)).toMatchObject({ status: 403 })
    await expect(refresh(foreign.refreshToken)).resolves.toMatchObject({ access_token: expect.any(String) })
  }, 60_000)

  it('an offline session is listed and ended like any other', async () => {
    const { username } = await users.createUser()
    const mine = await newSession(username)
    const offline = await eventually(
      () =>
        requestToken(users.realm.name, {
          grant_type: 'password',
          client_id: 'test-client',
          scope: 'openid offline_access',
          username,
          password,
        }),
      { everyMs: 700 },
    )
    const sid = sidOf(offline.access_token)
    const { body } = await users.as(mine.token).get('/v1/users/me/sessions')
    expect(body.data).toContainEqual(expect.objectContaining({ id: sid, offline: true }))
    expect(await users.as(mine.token).delete(`/v1/users/me/sessions/${sid}`)).toMatchObject({ status: 204 })
    await expectRefused(offline.access_token)
    await expect(refresh(offline.refresh_token ?? '')).rejects.toThrow('invalid_grant')
  }, 60_000)

  it('a session that is removed in Keycloak’s console is refused alone', async () => {
    const { username } = await users.createUser()
    const [kept, removed] = [await newSession(username), await newSession(username)]
    await users.realm.call('DELETE', `/sessions/${sidOf(removed.token)}`)
    await expectRefused(removed.token)
    expect(await users.as(kept.token).get('/v1/users/me')).toMatchObject({ status: 200 })
  }, 60_000)
})

it('tokens of the second in which access was lost are told apart: new ones work, old ones are refused within 5 s', async () => {
  expect(await tryOften(users, Object.keys(attempts), 3)).toEqual([])
}, 90_000)

it('a sign-in at Keycloak in the second of a sign-out in its console is accepted soon, and the old token stays refused', async () => {
  const { id, username } = await users.createUser()
  const old = await newSession(username)
  await users.realm.call('POST', `/users/${id}/logout`, {})
  const after = await newSession(username)
  await expectRefused(old.token)
  await eventually(async () => expect((await users.as(after.token).get('/v1/users/me')).status).toBe(200), in5s)
  expect(await users.as(old.token).get('/v1/users/me')).toMatchObject({ status: 401 })
}, 60_000)

describe('GET /revocations', () => {
  const count = 2_345
  const since = Date.now()
  const readAll = async (limit: number) => {
    const ids = new Set<string>()
    let pages = 0
    for (let after: string | undefined; ; pages += 1) {
      const query = new URLSearchParams({ since: new Date(since).toISOString(), limit: String(limit) })
      if (after !== undefined) query.set('after', after)
      const { status, body } = await users.internal().get(`/revocations?${query}`)
      expect(status).toBe(200)
      for (const { userId, sessionId } of body.data) ids.add(sessionId ?? userId)
      after = body.next
      if (after === undefined) return { ids, pages: pages + 1 }
    }
  }

  it('GET /revocations returns every revocation page by page, users, sessions and roles', async () => {
    await users.db.query(
      `insert into revocations (user_id, not_before) select 'many-' || n, now() from generate_series(1, $1::int) as n`,
      [count],
    )
    await users.db.query(
      `insert into partial_revocations (key, user_id, session_id, not_before)
       select 'session:sid-' || n, 'many-' || n, 'sid-' || n, now() from generate_series(1, $1::int) as n`,
      [count],
    )
    const { ids, pages } = await readAll(1_000)
    for (let n = 1; n <= count; n += 1)
      for (const id of [`many-${n}`, `sid-${n}`]) if (!ids.has(id)) throw new Error(`${id} is missing`)
    expect(pages).toBeGreaterThanOrEqual(5)
    const first = await revocationsOver(users.internalUrl())(since, undefined, AbortSignal.timeout(5_000))
    expect(first.next).toEqual(expect.any(String))
  })

  it('GET /revocations without limit has one time for each user, as earlier versions of the gateway expect', async () => {
    const { id, username } = await users.createUser()
    const { token } = await newSession(username)
    await users.admin().delete(`/v1/users/${id}/sessions/${sidOf(token)}`)
    const { body } = await users.internal().get(`/revocations?since=${new Date(since).toISOString()}`)
    expect(body.data.filter(({ userId }: { userId: string }) => userId === id)).toEqual([
      { userId: id, notBefore: expect.any(String) },
    ])
  })

  it('GET /revocations refuses a limit that is no number, and an after that it did not give', async () => {
    for (const query of ['limit=0', 'limit=many', 'limit=10001', 'limit=10&after=x'])
      expect((await users.internal().get(`/revocations?${query}`)).status).toBe(400)
  })
})
