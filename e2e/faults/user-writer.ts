import type { UserState } from './ledger.ts'
import { jsonHeaders, newIdempotencyKey, reportUnexpected, type Writer, type WriterContext } from './writer.ts'

/**
 * Manages users as an admin. Keycloak does not take part in the database transaction, so a repeated creation may get 409
 * because the first attempt created the user. That user is not recorded.
 */
export const userWriter = ({ traffic, ledger, random, tokens, name }: WriterContext): Writer => {
  const own: UserState[] = []
  let count = 0

  const create = async (): Promise<void> => {
    const username = `${name}-${++count}`
    const surname = `s-${count}`
    const fields = { username, email: `${username}@load.example`, name: 'Managed', surname, roles: ['user'] }
    const headers = { ...jsonHeaders, 'idempotency-key': newIdempotencyKey(random, name) }
    const body = JSON.stringify(fields)
    const response = await traffic.sendWithRetry({
      method: 'POST',
      path: '/v1/users',
      token: tokens.admin,
      headers,
      body,
    })
    if (!response || (response.status === 409 && response.uncertain)) return
    if (response.status !== 201) return reportUnexpected(traffic, 'create a user', response)
    const { id } = response.body as { id: string }
    const user: UserState = { id, username, surname, enabled: true, admin: false, state: 'active', certain: true }
    own.push(user)
    ledger.users.push(user)
    ledger.addUserWrite()
  }

  /** These requests are idempotent, so the last response counts. */
  const change = async (
    user: UserState,
    method: string,
    path: string,
    body: unknown,
    done: () => void,
  ): Promise<void> => {
    const response = await traffic.sendWithRetry({
      method,
      path: `/v1/users/${user.id}${path}`,
      token: tokens.admin,
      ...(body !== undefined && { headers: jsonHeaders, body: JSON.stringify(body) }),
    })
    if (!response) {
      user.certain = false
      return
    }
    const wasDeleted = method === 'DELETE' && response.status === 404 && response.uncertain
    if (response.status >= 300 && !wasDeleted) return reportUnexpected(traffic, `${method} ${path} of a user`, response)
    ledger.addUserWrite()
    done()
  }

  const patch = (user: UserState): Promise<void> => {
    const surname = `s-${++count}`
    return change(user, 'PATCH', '', { surname }, () => {
      user.surname = surname
    })
  }
  const setEnabled = (user: UserState, enabled: boolean): Promise<void> =>
    change(user, 'PATCH', '', { enabled }, () => {
      user.enabled = enabled
    })
  const setAdmin = (user: UserState, admin: boolean): Promise<void> =>
    change(user, admin ? 'PUT' : 'DELETE', '/roles/admin', undefined, () => {
      user.admin = admin
    })
  const deleteUser = (user: UserState): Promise<void> =>
    change(user, 'DELETE', '', undefined, () => {
      user.state = 'deleted'
    })

  return {
    pauseMs: 600,
    step: async () => {
      const usable = own.filter(({ state, certain }) => certain && state === 'active')
      const dice = random.next()
      if (usable.length < 3 || dice < 0.25) return create()
      const user = random.pick(usable)
      if (dice < 0.6) return patch(user)
      if (dice < 0.75) return setEnabled(user, !user.enabled)
      if (dice < 0.9) return setAdmin(user, !user.admin)
      return deleteUser(user)
    },
  }
}

/** Signs up new users, half of them with `createCustomer`. */
export const signUpWriter = ({ traffic, ledger, random, name }: WriterContext): Writer => {
  let count = 0
  return {
    pauseMs: 2_000,
    step: async () => {
      const email = `${name}-${++count}@load.example`
      const createCustomer = random.next() < 0.5
      const body = JSON.stringify({
        email,
        password: `Aa1-${newIdempotencyKey(random, name)}`,
        name: 'New',
        surname: name,
        createCustomer,
      })
      const response = await traffic.sendWithRetry({
        method: 'POST',
        path: '/v1/auth/signup',
        headers: jsonHeaders,
        body,
      })
      if (!response) return
      if (response.status !== 202) return reportUnexpected(traffic, 'sign up', response)
      ledger.signUps.push({ email, createCustomer })
    },
  }
}
