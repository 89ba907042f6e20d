import { eventually } from '@clientele/platform/testing/wait'
import { browser, linkMailedTo, mailsTo } from './mail.ts'
import { startUsers, type UsersService, unique } from './users-service.ts'

let users: UsersService
beforeAll(async () => {
  users = await startUsers()
}, 120_000)
afterAll(() => users?.end(), 60_000)

const createUser = async (fields: Record<string, unknown> = {}) => {
  const username = unique('rob')
  const { body } = await users
    .admin()
    .post('/v1/users', { username, email: `${username}@example.com`, password: 'old password', ...fields })
  return body
}
const setPassword = async (link: string, password: string) => {
  const { open, follow, submit } = browser()
  const start = await open(link)
  const form = await follow(start, /action-token|login-actions/).catch(() => start)
  return submit(form, { 'password-new': password, 'password-confirm': password })
}
const login = (username: string, password: string) => users.anonymous().post('/v1/auth/login', { username, password })

describe('password reset by mail (S4-08)', () => {
  it('the mailed link sets a new password, with which the user signs in', async () => {
    const { username, email } = await createUser()
    expect(await users.anonymous().post('/v1/auth/password-reset', { email: email.toUpperCase() })).toMatchObject({
      status: 202,
    })
    await setPassword(await linkMailedTo(email), 'brand new password')
    expect(await login(username, 'brand new password')).toMatchObject({ status: 200 })
    expect(await login(username, 'old password')).toMatchObject({ status: 401 })
  })

  it('an unknown address gets the same answer, and no mail', async () => {
    const { email } = await createUser()
    const known = await users.anonymous().post('/v1/auth/password-reset', { email })
    const nobody = `${unique('nobody')}@example.com`
    const unknown = await users.anonymous().post('/v1/auth/password-reset', { email: nobody })
    expect(unknown).toMatchObject({ status: known.status, body: known.body })
    await linkMailedTo(email)
    await eventually(async () => {
      const rows = await users.db.query<{ sent: boolean }>(
        'select sent_at is not null as sent from mails where recipient = $1',
        [nobody],
      )
      expect(rows).toEqual([{ sent: true }])
    })
    expect(await mailsTo(nobody)).toEqual([])
  })

  it('asking again at once sends one mail', async () => {
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

  it('POST /v1/users/{id}/password-reset mails the link on an administrator’s word', async () => {
    const { id, username, email } = await createUser()
    expect(await users.admin().post(`/v1/users/${id}/password-reset`)).toMatchObject({ status: 202 })
    await setPassword(await linkMailedTo(email), 'from the admin')
    expect(await login(username, 'from the admin')).toMatchObject({ status: 200 })
    expect(await users.admin().post('/v1/users/0190a5c4-6f00-7000-8000-000000000001/password-reset')).toMatchObject({
      status: 404,
    })
  })

  it('POST /v1/users/{id}/password-reset of a disabled user answers 409, since another try would not help', async () => {
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

it('PATCH /v1/users/me with a new e-mail address has it verified by a mailed link', async () => {
  const { id, username, email } = await createUser()
  await users.realm.updateUser(id, { emailVerified: true })
  const { accessToken } = (await login(username, 'old password')).body
  const next = `new-${email}`
  expect(await users.as(accessToken).patch('/v1/users/me', { email: next })).toMatchObject({
    status: 200,
    body: { email: next, emailVerified: false },
  })
  const { open, follow } = browser()
  const page = await open(await linkMailedTo(next))
  await follow(page, /login-actions/).catch(() => page)
  await eventually(async () => expect((await users.admin().get(`/v1/users/${id}`)).body.emailVerified).toBe(true))
  expect(await mailsTo(email)).toEqual([])
})

describe('while mail cannot be sent', () => {
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

  it('a requested reset waits and is mailed later; an invitation says so, and its user stays', async () => {
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

  it('an installation without mail says so', async () => {
    const other = await users.another({ smtpConfigured: false })
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
        users.people.admin.token,
      )
      expect(invite.status).toBe(422)
    } finally {
      await other.stop()
    }
  })
})
