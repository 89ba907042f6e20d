import { testEnv } from '@clientele/platform/testing/database'
import { requestToken } from '@clientele/platform/testing/realm'
import { eventually } from '@clientele/platform/testing/wait'
import { browser, linkMailedTo, mailsTo, tokenMailedTo } from './mail.ts'
import { password, startUsers, type UsersService, unique } from './users-service.ts'

let users: UsersService
beforeAll(async () => {
  users = await startUsers()
}, 120_000)
afterAll(() => users?.end(), 60_000)

const addressOf = (name: string) => `${unique(name)}@example.com`
const login = async (username: string) => {
  const { body } = await users.anonymous().post('/v1/auth/login', { username, password })
  return body as { accessToken: string; refreshToken: string }
}
const createSignedIn = async () => {
  const email = addressOf('mia')
  const username = email.split('@')[0] ?? ''
  await users.realm.createUser({ username, email, password, emailVerified: false, roles: ['user'] })
  const { accessToken, refreshToken } = await login(username)
  const me = users.as(accessToken)
  const { body } = await me.get('/v1/users/me')
  return { id: body.id as string, username, email, me, refreshToken }
}
const confirm = (token: string) => users.anonymous().post('/v1/auth/email-confirmations', { token })
const restore = (token: string) => users.anonymous().post('/v1/auth/email-restorations', { token })
const addressIn = async (id: string) => {
  const { email, emailVerified } = (await users.admin().get(`/v1/users/${id}`)).body
  return { email, emailVerified }
}
/** Changes the address of a user by the mailed link. */
const changeAddress = async (me: { patch: (path: string, body: unknown) => Promise<unknown> }, email: string) => {
  await me.patch('/v1/users/me', { email })
  expect(await confirm(await tokenMailedTo(email))).toMatchObject({ status: 204 })
}
/** The addresses that links of a user lead to. */
const linksOf = async (id: string) =>
  (await users.db.query<{ email: string }>('select email from email_links where user_id = $1', [id])).map(
    ({ email }) => email,
  )
const untilReset = (email: string) =>
  eventually(async () => {
    const rows = await users.db.query<{ sent: boolean }>(
      `select sent_at is not null as sent from mails where purpose = 'password_reset' and recipient = $1`,
      [email],
    )
    expect(rows).toEqual([{ sent: true }])
  })
const resetMailsTo = async (email: string) =>
  (await mailsTo(email)).filter(({ links }) => links.some((link) => link.includes('/action-token')))

describe('A new e-mail address', () => {
  it('is shown as pending, and takes effect, verified, when the link that was mailed to it is followed', async () => {
    const { id, email, me } = await createSignedIn()
    const next = addressOf('next')
    const proposed = await me.patch('/v1/users/me', { email: next.toUpperCase(), name: 'Mia' })
    expect(proposed).toMatchObject({ status: 200, body: { email, pendingEmail: next, name: 'Mia' } })
    const token = await tokenMailedTo(next)
    expect((await me.get('/v1/users/me')).body).toMatchObject({ email, pendingEmail: next })
    expect(await addressIn(id)).toMatchObject({ email })
    expect(await confirm(token)).toMatchObject({ status: 204 })
    expect((await me.get('/v1/users/me')).body).toMatchObject({ email: next, emailVerified: true, pendingEmail: null })
    expect(await confirm(token)).toMatchObject({ status: 404, body: { code: 'not_found' } })
  })

  it('that is proposed last replaces the one before, and the present one withdraws it', async () => {
    const { id, email, me } = await createSignedIn()
    const [first, second] = [addressOf('first'), addressOf('second')]
    await me.patch('/v1/users/me', { email: first })
    const token = await tokenMailedTo(first)
    expect(await me.patch('/v1/users/me', { email: second })).toMatchObject({
      status: 429,
      body: { code: 'rate_limited' },
    })
    await users.db.query(`update email_links set created_at = now() - interval '1 minute' where user_id = $1`, [id])
    expect((await me.patch('/v1/users/me', { email: second })).body).toMatchObject({ email, pendingEmail: second })
    const secondToken = await tokenMailedTo(second)
    expect(await confirm(token)).toMatchObject({ status: 404 })
    expect((await me.patch('/v1/users/me', { email })).body).toMatchObject({ email, pendingEmail: null })
    expect(await confirm(secondToken)).toMatchObject({ status: 404 })
  })

  it('of another user is refused when it is proposed and when it is confirmed', async () => {
    const { me } = await createSignedIn()
    const other = await createSignedIn()
    expect(await me.patch('/v1/users/me', { email: other.email })).toMatchObject({
      status: 409,
      body: { code: 'duplicate', conflictingId: other.id },
    })
    const next = addressOf('next')
    await me.patch('/v1/users/me', { email: next })
    const token = await tokenMailedTo(next)
    await users.admin().patch(`/v1/users/${other.id}`, { email: next })
    expect(await confirm(token)).toMatchObject({ status: 409, body: { code: 'duplicate' } })
  })

  it('expires a day after it was proposed, and its token is stored as a hash only', async () => {
    const { id, me } = await createSignedIn()
    const next = addressOf('next')
    await me.patch('/v1/users/me', { email: next })
    const token = await tokenMailedTo(next)
    const [row] = await users.db.query<{ hours: number; text: string }>(
      'select round(extract(epoch from expires_at - now()) / 3600)::int as hours, email_links::text as text from email_links where user_id = $1',
      [id],
    )
    expect(row?.hours).toBe(24)
    expect(row?.text).not.toContain(token)
    await users.db.query('update email_links set expires_at = now() where user_id = $1', [id])
    expect(await confirm(token)).toMatchObject({ status: 404 })
    expect((await me.get('/v1/users/me')).body.pendingEmail).toBeNull()
  })

  it('is forgotten when all sessions of the user are ended or the password is changed', async () => {
    for (const end of [
      (id: string) => users.admin().patch(`/v1/users/${id}`, { password: 'another horse' }),
      (id: string) => users.admin().patch(`/v1/users/${id}`, { enabled: false }),
    ]) {
      const { id, me } = await createSignedIn()
      const next = addressOf('next')
      await me.patch('/v1/users/me', { email: next })
      const token = await tokenMailedTo(next)
      await end(id)
      expect(await confirm(token)).toMatchObject({ status: 404 })
    }
  })

  it('cannot be proposed without a mail server, and the problem says that an admin can change it', async () => {
    const { email, me, username } = await createSignedIn()
    const { accessToken } = await login(username)
    for (const change of [{ smtpConfigured: false }, { smtpUrl: undefined }]) {
      const replica = await users.startReplica(change)
      const patch = (body: unknown) =>
        fetch(`${replica.url}/v1/users/me`, {
          method: 'PATCH',
          headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' },
          body: JSON.stringify(body),
        })
      try {
        const refused = await patch({ email: addressOf('next') })
        expect(refused.status).toBe(422)
        expect(await refused.json()).toMatchObject({
          detail: expect.stringMatching(/ask an admin/),
          errors: [{ pointer: '/email', code: 'unavailable' }],
        })
        expect((await patch({ email, name: 'Mia' })).status).toBe(200)
      } finally {
        await replica.stop()
      }
    }
    expect((await me.get('/v1/users/me')).body).toMatchObject({ email, pendingEmail: null, name: 'Mia' })
  })

  it.each(['short', 'x'.repeat(43)])('is not confirmed or restored by the token %s', async (token) => {
    const status = token.length === 43 ? 404 : 422
    expect(await confirm(token)).toMatchObject({ status })
    expect(await restore(token)).toMatchObject({ status })
  })
})

it("cannot be changed at once through Keycloak's account console", async () => {
  const { id, username, email } = await createSignedIn()
  const account = await eventually(
    () =>
      requestToken(users.realm.name, {
        grant_type: 'password',
        client_id: 'test-client',
        username,
        password,
        scope: 'openid',
      }),
    { timeoutMs: 5_000, everyMs: 700 },
  )
  const url = `${testEnv('TEST_KEYCLOAK_URL')}/realms/${users.realm.name}/account/`
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${account.access_token}`,
      'content-type': 'application/json',
      accept: 'application/json',
    },
    body: JSON.stringify({ username, email: addressOf('thief') }),
  })
  expect(response.status).toBe(400)
  expect(await addressIn(id)).toMatchObject({ email })
})

describe('The former e-mail address', () => {
  it('is told of the change, and its link takes the address back and ends all sessions, once and within a week', async () => {
    const { id, username, email, me, refreshToken } = await createSignedIn()
    const next = addressOf('thief')
    await changeAddress(me, next)
    const token = await tokenMailedTo(email)
    const [row] = await users.db.query<{ days: number; text: string }>(
      `select round(extract(epoch from expires_at - now()) / 86400)::int as days, email_links::text as text from email_links where user_id = $1`,
      [id],
    )
    expect(row?.days).toBe(7)
    expect(row?.text).not.toContain(token)
    const both = await Promise.all([restore(token), restore(token)])
    expect(both.map(({ status }) => status).sort()).toEqual([204, 404])
    expect(await addressIn(id)).toEqual({ email, emailVerified: true })
    expect(await users.anonymous().post('/v1/auth/refresh', { refreshToken })).toMatchObject({ status: 401 })
    await users.events.next('user.signed_out.v1', id, 5_000)
    expect(await restore(token)).toMatchObject({ status: 404 })
    expect(await linksOf(id)).toEqual([])
    expect(await mailsTo(next)).toHaveLength(1)
    expect((await login(username)).accessToken).toBeDefined()
  })

  it('wins over addresses in between, which have no way back, and nobody else gets it meanwhile', async () => {
    const { id, email, me } = await createSignedIn()
    const [second, third] = [addressOf('second'), addressOf('third')]
    await changeAddress(me, second)
    await changeAddress(me, third)
    const [token, secondToken] = [await tokenMailedTo(email), await tokenMailedTo(second)]
    const thief = await createSignedIn()
    expect(await thief.me.patch('/v1/users/me', { email })).toMatchObject({ status: 409 })
    await users.anonymous().post('/v1/auth/signup', { email, password })
    expect(await users.realm.call('GET', `/users?exact=true&email=${encodeURIComponent(email)}`)).toMatchObject({
      body: [],
    })
    expect(await restore(token)).toMatchObject({ status: 204 })
    expect(await addressIn(id)).toMatchObject({ email })
    expect(await restore(secondToken)).toMatchObject({ status: 404 })
    expect(await linksOf(id)).toEqual([])
    expect(await mailsTo(third)).toHaveLength(1)
  })

  it.each([
    ['an admin', (id: string, email: string) => users.admin().patch(`/v1/users/${id}`, { email })],
    ["Keycloak's console", (id: string, email: string) => users.realm.updateUser(id, { email, emailVerified: false })],
  ])('is told of a change by %s, which leaves the new one unverified', async (_who, change) => {
    const { id, email } = await createSignedIn()
    const next = addressOf('next')
    await change(id, next)
    const token = await tokenMailedTo(email)
    expect(await addressIn(id)).toEqual({ email: next, emailVerified: false })
    expect(await restore(token)).toMatchObject({ status: 204 })
    expect(await addressIn(id)).toEqual({ email, emailVerified: true })
  })

  it('gets no way back if it was a changed one that was never verified', async () => {
    const { id } = await createSignedIn()
    const [wrong, right] = [addressOf('wrong'), addressOf('right')]
    await users.admin().patch(`/v1/users/${id}`, { email: wrong })
    await users.admin().patch(`/v1/users/${id}`, { email: right })
    expect(await linksOf(id)).not.toContain(wrong)
  })
})

describe('A password reset after an e-mail address was changed', () => {
  it('is mailed to a confirmed address', async () => {
    const { me } = await createSignedIn()
    const next = addressOf('next')
    await changeAddress(me, next)
    await users.anonymous().post('/v1/auth/password-reset', { email: next })
    await untilReset(next)
    expect(await resetMailsTo(next)).toHaveLength(1)
  })

  it('is not mailed to an address that an admin set until it is verified, unless an admin mails it', async () => {
    const { id } = await createSignedIn()
    const next = addressOf('next')
    await users.admin().patch(`/v1/users/${id}`, { email: next })
    const verification = await linkMailedTo(next)
    const before = await resetMailsTo(next)
    await users.anonymous().post('/v1/auth/password-reset', { email: next })
    await untilReset(next)
    expect(await resetMailsTo(next)).toHaveLength(before.length)
    expect(await users.admin().post(`/v1/users/${id}/password-reset`)).toMatchObject({ status: 202 })
    expect(await resetMailsTo(next)).toHaveLength(before.length + 1)
    const { open, follow } = browser()
    const page = await open(verification)
    await follow(page, /login-actions/).catch(() => page)
    await eventually(async () => expect(await addressIn(id)).toEqual({ email: next, emailVerified: true }))
  })

  it('is not mailed to an address that was changed in Keycloak a moment ago', async () => {
    const { id } = await createSignedIn()
    const next = addressOf('next')
    await users.realm.updateUser(id, { email: next, emailVerified: false })
    await users.anonymous().post('/v1/auth/password-reset', { email: next })
    await untilReset(next)
    expect(await mailsTo(next)).toEqual([])
  })
})
