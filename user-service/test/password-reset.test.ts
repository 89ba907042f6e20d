import { eventually } from '@clientele/platform/testing/wait'
import { browser, linkMailedTo, mailsTo } from './mail.ts'
import { startOldSessions } from './old-sessions.ts'
import { startUsers, type UsersService, unique } from './users-service.ts'

let users: UsersService
beforeAll(async () => {
  users = await startUsers()
}, 120_000)
afterAll(() => users?.end(), 60_000)

const createUser = (fields: Record<string, unknown> = {}) => users.createUser({ password: 'old password', ...fields })
const setPassword = async (link: string, password: string) => {
  const { open, follow, submit } = browser()
  const start = await open(link)
  const form = await follow(start, /action-token|login-actions/).catch(() => start)
  return submit(form, { 'password-new': password, 'password-confirm': password })
}
const login = (username: string, password: string) => users.anonymous().post('/v1/auth/login', { username, password })

describe('Password reset by mail', () => {
  it('the mailed link sets a new password that the user can sign in with', async () => {
    const { username, email } = await createUser()
    expect(await users.anonymous().post('/v1/auth/password-reset', { email: email.toUpperCase() })).toMatchObject({
      status: 202,
    })
    await setPassword(await linkMailedTo(email), 'brand new password')
    const [mail] = await mailsTo(email)
    expect(mail?.text).toMatch(/You asked to set a new password for your Clientele account.*expires within 1 hour/s)
    expect(mail?.text).not.toMatch(/administrator/)
    expect(await login(username, 'brand new password')).toMatchObject({ status: 200 })
    expect(await login(username, 'old password')).toMatchObject({ status: 401 })
  })

  it('an unknown address gets the same response and no mail', async () => {
    const { email } = await createUser()
    const known = await users.anonymous().post('/v1/auth/password-reset', { email })
    const unknownAddress = `${unique('nobody')}@example.com`
    const unknown = await users.anonymous().post('/v1/auth/password-reset', { email: unknownAddress })
    expect(unknown).toMatchObject({ status: known.status, body: known.body })
    await linkMailedTo(email)
    await eventually(async () => {
      const rows = await users.db.query<{ sent: boolean }>(
        'select sent_at is not null as sent from mails where recipient = $1',
        [unknownAddress],
      )
      expect(rows).toEqual([{ sent: true }])
    })
    expect(await mailsTo(unknownAddress)).toEqual([])
  })

  it('requests that follow within a minute send one mail', async () => {
    const { email } = await createUser()
    for (let times = 0; times < 3; times += 1) await users.anonymous().post('/v1/auth/password-reset', { email })
    await linkMailedTo(email)
    await users.anonymous().post('/v1/auth/password-reset', { email })
    const after = await createUser()
    await users.anonymous().post('/v1/auth/password-reset', { email: after.email })
    await linkMailedTo(after.email)
    expect(await mailsTo(email)).toHaveLength(1)
  })

  it('a disabled user gets no mail', async () => {
    const { id, email } = await createUser()
    await users.admin().patch(`/v1/users/${id}`, { enabled: false })
    await users.anonymous().post('/v1/auth/password-reset', { email })
    await eventually(async () => {
      const [row] = await users.db.query<{ sent: boolean }>(
        'select sent_at is not null as sent from mails where recipient = $1',
        [email],
      )
      expect(row?.sent).toBe(true)
    })
    expect(await mailsTo(email)).toEqual([])
  })

  it('POST /v1/users/{id}/password-reset mails the link at the request of an admin', async () => {
    const { id, username, email } = await createUser()
    expect(await users.admin().post(`/v1/users/${id}/password-reset`)).toMatchObject({ status: 202 })
    await setPassword(await linkMailedTo(email), 'from the admin')
    expect((await mailsTo(email))[0]?.text).toMatch(/An administrator asks you to do this.*Update Password.*12 hours/s)
    expect(await login(username, 'from the admin')).toMatchObject({ status: 200 })
    expect(await users.admin().post('/v1/users/0190a5c4-6f00-7000-8000-000000000001/password-reset')).toMatchObject({
      status: 404,
    })
  })

  it('POST /v1/users/{id}/password-reset returns 409 for a disabled user', async () => {
    const { id } = await createUser()
    expect(await users.admin().patch(`/v1/users/${id}`, { enabled: false })).toMatchObject({ status: 200 })
    expect(await users.admin().post(`/v1/users/${id}/password-reset`)).toMatchObject({
      status: 409,
      body: { code: 'invalid_state', detail: 'the user is disabled; enable them first' },
    })
  })

  it('POST /v1/users with sendInvite mails a link to set the first password', async () => {
    const { username, email } = await createUser({ password: undefined, sendInvite: true })
    await setPassword(await linkMailedTo(email), 'my first password')
    expect(await login(username, 'my first password')).toMatchObject({ status: 200 })
  })
})

describe('Mail that cannot be sent', () => {
  const setSmtpPort = (port: string) =>
    users.realm.call('PUT', '', {
      smtpServer: {
        host: '127.0.0.1',
        port,
        from: 'no-reply@clientele.localhost',
        auth: 'false',
        ssl: 'false',
        starttls: 'false',
      },
    })

  it('a password reset is mailed later, and an invitation returns 503 although the user is created', async () => {
    const { email } = await createUser()
    await setSmtpPort('1')
    try {
      expect(await users.anonymous().post('/v1/auth/password-reset', { email })).toMatchObject({ status: 202 })
      await eventually(async () => {
        const [row] = await users.db.query<{ attempts: number }>('select attempts from mails where recipient = $1', [
          email,
        ])
        expect(row?.attempts).toBe(1)
      })
      const username = unique('inv')
      const invited = await users
        .admin()
        .post('/v1/users', { username, email: `${username}@example.com`, sendInvite: true })
      expect(invited).toMatchObject({ status: 503, body: { code: 'unavailable', userId: expect.any(String) } })
      expect(invited.body.detail).toMatch(/was created/)
      expect(await users.admin().get(`/v1/users/${invited.body.userId}`)).toMatchObject({
        status: 200,
        body: { username },
      })
    } finally {
      await setSmtpPort(process.env['TEST_SMTP_PORT'] ?? '')
    }
    await users.db.query('update mails set next_at = now() where recipient = $1', [email])
    await linkMailedTo(email)
  }, 60_000)

  it('an installation without mail returns 404 for a password reset and 422 for an invitation', async () => {
    const other = await users.startReplica({ smtpConfigured: false })
    try {
      const call = (path: string, body: unknown, token?: string) =>
        fetch(`${other.url}${path}`, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            ...(token !== undefined && { authorization: `Bearer ${token}` }),
          },
          body: JSON.stringify(body),
        })
      expect((await call('/v1/auth/password-reset', { email: 'a@example.com' })).status).toBe(404)
      const invite = await call(
        '/v1/users',
        { username: unique('x'), email: 'x@example.com', sendInvite: true },
        users.accounts.admin.token,
      )
      expect(invite.status).toBe(422)
    } finally {
      await other.stop()
    }
  })
})

it('a password set by the mailed link ends the former sessions within 5 s, and a new one can be refreshed', async () => {
  const { id, username, email } = await createUser()
  const old = await startOldSessions(users, id, username, 'old password')
  const former = (await login(username, 'old password')).body
  await users.anonymous().post('/v1/auth/password-reset', { email })
  await setPassword(await linkMailedTo(email), 'brand new password')
  const next = (await login(username, 'brand new password')).body
  await old.expectEnded()
  const refresh = (refreshToken: string) => users.anonymous().post('/v1/auth/refresh', { refreshToken })
  expect(await refresh(former.refreshToken)).toMatchObject({ status: 401 })
  expect(await refresh(next.refreshToken)).toMatchObject({ status: 200 })
})
