import { createHmac } from 'node:crypto'
import { eventually } from '@clientele/platform/testing/wait'
import { password, startUsers, type UsersService } from './users-service.ts'

let users: UsersService
beforeAll(async () => {
  users = await startUsers()
}, 120_000)
afterAll(() => users?.end(), 60_000)

const secret = '12345678901234567890'
const stepS = 30

/** A time-based one-time code (RFC 6238): SHA-1, 6 digits, 30 s. */
const totp = (atMs: number): string => {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(atMs / 1_000 / stepS)))
  const digest = createHmac('sha1', secret).update(counter).digest()
  const offset = (digest.at(-1) ?? 0) & 0xf
  return String((digest.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}

/** Creates a user who has an authenticator app. */
const createUser = async (): Promise<{ id: string; username: string }> => {
  const user = await users.createUser()
  const credential = {
    type: 'otp',
    userLabel: 'phone',
    secretData: JSON.stringify({ value: secret }),
    credentialData: JSON.stringify({ subType: 'totp', digits: 6, counter: 0, period: stepS, algorithm: 'HmacSHA1' }),
  }
  await users.realm.updateUser(user.id, { credentials: [credential] })
  return user
}
const login = (username: string, body: Record<string, string> = {}) =>
  users.anonymous().post('/v1/auth/login', { username, password, ...body })

describe('Sign-in with a second factor', () => {
  it('a user with an authenticator app signs in with password and code', async () => {
    const { id, username } = await createUser()
    const { status, body } = await login(username, { totp: totp(Date.now()) })
    expect(status).toBe(200)
    expect((await users.as(body.accessToken).get('/v1/users/me')).body.id).toBe(id)
  })

  it('the right password without a code gets otp_required, as often as it is tried, and locks nobody', async () => {
    const { id, username } = await createUser()
    for (let time = 0; time < 7; time += 1)
      // On a busy machine Keycloak may count the attempt later than user-service looks.
      await eventually(async () =>
        expect(await login(username)).toMatchObject({ status: 401, body: { code: 'otp_required' } }),
      )
    await users.admin().delete(`/v1/users/${id}/lock`)
    expect(await login(username, { totp: totp(Date.now()) })).toMatchObject({ status: 200 })
  }, 60_000)

  it('a wrong password or a wrong code gets the same 401 as without a second factor, and counts as a failure', async () => {
    const { username } = await createUser()
    // A code of an hour ago: Keycloak accepts those of the last and the next half minute only.
    const wrongCode = totp(Date.now() - 3_600_000)
    const responses = [
      await login(username, { password: 'wrong horse' }),
      await login(username, { password: 'wrong horse', totp: totp(Date.now()) }),
      await login(username, { totp: wrongCode }),
      await login(username, { totp: wrongCode }),
      await login(username, { totp: wrongCode }),
    ]
    for (const response of responses)
      expect(response).toMatchObject({ status: 401, body: { code: 'invalid_credentials' } })
    expect(await login(username, { totp: totp(Date.now()) })).toMatchObject({ status: 429, body: { code: 'locked' } })
  }, 60_000)

  it('the code of a user without a second factor is ignored', async () => {
    const { username } = await users.createUser()
    expect(await login(username, { totp: '123456' })).toMatchObject({ status: 200 })
  })

  it.each(['12345', '123456789', '12345a', ''])('POST /v1/auth/login returns 422 for the code "%s"', async (code) => {
    expect(await login('anybody', { totp: code })).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '/totp' }] },
    })
  })
})
