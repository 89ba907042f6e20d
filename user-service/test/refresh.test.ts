import { client } from '@clientele/platform/testing/client'
import { password, startUsers, type UsersService } from './users-service.ts'

let users: UsersService
beforeAll(async () => {
  users = await startUsers()
}, 120_000)
afterAll(() => users?.end(), 60_000)

/** Signs a new user in. @returns the refresh token */
const signIn = async (): Promise<string> => {
  const { username } = await users.createUser()
  return (await users.anonymous().post('/v1/auth/login', { username, password })).body.refreshToken
}
const refresh = (refreshToken: string) => users.anonymous().post('/v1/auth/refresh', { refreshToken })
const expireResponses = () => users.db.query('update token_refreshes set expires_at = now()')

describe('A refresh that is repeated', () => {
  it('a refresh that is repeated within 10 s returns the same tokens, and the session goes on', async () => {
    const refreshToken = await signIn()
    const first = await refresh(refreshToken)
    expect(first.status).toBe(200)
    expect(await refresh(refreshToken)).toMatchObject({ status: 200, body: first.body })
    expect(await refresh(first.body.refreshToken)).toMatchObject({ status: 200 })
  })

  it('ten refreshes at once, at two replicas, return the same tokens', async () => {
    const other = await users.startReplica()
    try {
      const refreshToken = await signIn()
      const responses = await Promise.all(
        Array.from({ length: 10 }, (_, index) =>
          index % 2 === 0 ? refresh(refreshToken) : client(other.url).post('/v1/auth/refresh', { refreshToken }),
        ),
      )
      expect(responses.map(({ status }) => status)).toEqual(Array<number>(10).fill(200))
      expect(new Set(responses.map(({ body }) => JSON.stringify(body))).size).toBe(1)
      expect(await refresh(responses[0]?.body.refreshToken)).toMatchObject({ status: 200 })
    } finally {
      await other.stop()
    }
  }, 30_000)

  it('a refresh token that is used again after 10 s is refused, and its session ends', async () => {
    const refreshToken = await signIn()
    const { body } = await refresh(refreshToken)
    await expireResponses()
    expect(await refresh(refreshToken)).toMatchObject({ status: 401, body: { code: 'invalid_token' } })
    expect(await refresh(body.refreshToken)).toMatchObject({ status: 401, body: { code: 'invalid_token' } })
  })

  it('the table of responses reveals neither the refresh token nor the new tokens', async () => {
    const refreshToken = await signIn()
    const { body } = await refresh(refreshToken)
    const stored = JSON.stringify(await users.db.query('select * from token_refreshes'))
    const decoded = stored.replace(/[\w+/=]{40,}/g, (text) => Buffer.from(text, 'base64').toString('latin1'))
    for (const token of [refreshToken, body.accessToken, body.refreshToken])
      for (const part of token.split('.')) {
        expect(stored).not.toContain(part)
        expect(decoded).not.toContain(part)
      }
  })

  it('a refresh that is refused leaves no row, so that it can be tried again', async () => {
    expect(await refresh('not-a-token')).toMatchObject({ status: 401 })
    expect(await users.db.query('select 1 from token_refreshes where tokens is null')).toEqual([])
  })
})
