import { setTimeout as sleep } from 'node:timers/promises'
import type { Tokens } from '@clientele/contracts/user'
import { signIn } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { password, type UsersService } from './users-service.ts'

const maxDelayMs = 5_000
const concurrency = 4

/** `old` must be refused within 5 s, the others must be accepted at once and stay so. */
type Outcome = { old: string; accepted: string[] }
export type Attempt = (users: UsersService, user: { id: string; username: string }) => Promise<Outcome>

const expectStatus = async (users: UsersService, token: string, status: number, which: string): Promise<void> => {
  const response = await users.as(token).get('/v1/users/me')
  if (response.status !== status) throw new Error(`${which} token: ${response.status} ${response.body.detail}`)
}

const login = async (users: UsersService, username: string): Promise<Tokens> =>
  // Keycloak may reject a sign-in that follows the user's previous one too quickly.
  eventually(
    async () => {
      const { status, body } = await users.anonymous().post('/v1/auth/login', { username, password })
      if (status !== 200) throw new Error(`sign-in: ${status} ${JSON.stringify(body)}`)
      return body
    },
    { timeoutMs: 10_000, everyMs: 300 },
  )
const refresh = async (users: UsersService, { refreshToken }: Tokens): Promise<Tokens> => {
  const { status, body } = await users.anonymous().post('/v1/auth/refresh', { refreshToken })
  if (status !== 200) throw new Error(`refresh: ${status} ${JSON.stringify(body)}`)
  return body
}
/** On a busy machine a request may have to be repeated, as its 503 says. */
const succeed = async (request: () => Promise<{ status: number; body: unknown }>): Promise<void> => {
  const { status, body } = await eventually(async () => {
    const response = await request()
    if (response.status === 503) throw new Error(JSON.stringify(response.body))
    return response
  })
  if (status >= 300) throw new Error(`${status} ${JSON.stringify(body)}`)
}

/** Waits for a random moment of a second. */
const randomOffset = () => sleep(Math.random() * 1_000)

export const attempts: Record<string, Attempt> = {
  'a refresh of another session after a sign-out': async (users, { username }) => {
    const [first, second] = [await login(users, username), await login(users, username)]
    await randomOffset()
    await succeed(() => users.anonymous().post('/v1/auth/logout', { refreshToken: first.refreshToken }))
    const next = await refresh(users, second)
    return { old: first.accessToken, accepted: [second.accessToken, next.accessToken] }
  },

  'a refresh after the loss of a role': async (users, { id, username }) => {
    await succeed(() => users.admin().put(`/v1/users/${id}/roles/admin`))
    const admin = await login(users, username)
    await randomOffset()
    await succeed(() => users.admin().delete(`/v1/users/${id}/roles/admin`))
    const demoted = await refresh(users, admin)
    return { old: admin.accessToken, accepted: [demoted.accessToken] }
  },

  'a sign-in after the user was disabled and enabled again': async (users, { id, username }) => {
    const before = await login(users, username)
    await randomOffset()
    await succeed(() => users.admin().patch(`/v1/users/${id}`, { enabled: false }))
    await succeed(() => users.admin().patch(`/v1/users/${id}`, { enabled: true }))
    const after = await login(users, username)
    return { old: before.accessToken, accepted: [after.accessToken] }
  },

  'a sign-in at Keycloak after a sign-out of all sessions': async (users, { id, username }) => {
    const before = await login(users, username)
    await randomOffset()
    await succeed(() => users.admin().post(`/v1/users/${id}/logout`))
    const after = await eventually(() => signIn(username, password, 'test-client', users.realm.name), { everyMs: 300 })
    return { old: before.accessToken, accepted: [after.token] }
  },
}

const runOnce = async (users: UsersService, attempt: Attempt): Promise<Outcome> => {
  const user = await users.createUser()
  const outcome = await attempt(users, user)
  for (const token of outcome.accepted) await expectStatus(users, token, 200, 'new')
  await eventually(() => expectStatus(users, outcome.old, 401, 'old'), { timeoutMs: maxDelayMs, everyMs: 100 })
  for (const token of outcome.accepted) await expectStatus(users, token, 200, 'new')
  return outcome
}

/**
 * Makes each of the attempts `tries` times, some at once.
 * @returns the errors, also those of tokens that are not accepted or refused any more after a while
 */
export const tryOften = async (users: UsersService, names: string[], tries: number): Promise<string[]> => {
  const errors: string[] = []
  const outcomes: Outcome[] = []
  const left = Array.from({ length: tries }, () => names).flat()
  await users.signInAdmin()
  const worker = async (): Promise<void> => {
    for (let name = left.pop(); name !== undefined; name = left.pop())
      await runOnce(users, attempts[name] as Attempt).then(
        (outcome) => outcomes.push(outcome),
        (error: Error) => errors.push(`${name}: ${error.message}`),
      )
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  // Longer than a poll of the revocations and one of Keycloak's events.
  await sleep(maxDelayMs)
  for (const { old, accepted } of outcomes)
    await Promise.all([
      expectStatus(users, old, 401, 'old'),
      ...accepted.map((token) => expectStatus(users, token, 200, 'new')),
    ]).catch((error: Error) => errors.push(`later: ${error.message}`))
  return errors
}
