import type { KnownUser } from './ledger.ts'
import { json, keyFrom, unexpected, type Writer, type WriterParts } from './writers.ts'

/**
 * Manages users as an administrator. Keycloak is not part of the database's transaction, so a creation that was not
 * answered may be there the next time (409): that one is nobody's promise.
 */
export const userWriter = ({ traffic, ledger, random, people, name }: WriterParts): Writer => {
  const token = people.admin
  const own: KnownUser[] = []
  let count = 0

  const create = async (): Promise<void> => {
    const username = `${name}-${++count}`
    const surname = `s-${count}`
    const fields = { username, email: `${username}@load.example`, name: 'Managed', surname, roles: ['user'] }
    const headers = { ...json, 'idempotency-key': keyFrom(random, name) }
    const body = JSON.stringify(fields)
    const answer = await traffic.settle({ method: 'POST', path: '/v1/users', token, headers, body })
    if (!answer || (answer.status === 409 && answer.uncertain)) return
    if (answer.status !== 201) return unexpected(traffic, 'create a user', answer)
    const { id } = answer.body as { id: string }
    const user: KnownUser = { id, username, surname, enabled: true, admin: false, state: 'there', known: true }
    own.push(user)
    ledger.users.push(user)
    ledger.userChanged()
  }

  /** What is sent twice has the same effect, so the last answer counts. */
  const change = async (
    user: KnownUser,
    method: string,
    path: string,
    body: unknown,
    done: () => void,
  ): Promise<void> => {
    const answer = await traffic.settle({
      method,
      path: `/v1/users/${user.id}${path}`,
      token,
      ...(body !== undefined && { headers: json, body: JSON.stringify(body) }),
    })
    if (!answer) {
      user.known = false
      return
    }
    const isGone = method === 'DELETE' && answer.status === 404 && answer.uncertain
    if (answer.status >= 300 && !isGone) return unexpected(traffic, `${method} ${path} of a user`, answer)
    ledger.userChanged()
    done()
  }

  const patch = (user: KnownUser): Promise<void> => {
    const surname = `s-${++count}`
    return change(user, 'PATCH', '', { surname }, () => {
      user.surname = surname
    })
  }
  const enable = (user: KnownUser, enabled: boolean): Promise<void> =>
    change(user, 'PATCH', '', { enabled }, () => {
      user.enabled = enabled
    })
  const role = (user: KnownUser, admin: boolean): Promise<void> =>
    change(user, admin ? 'PUT' : 'DELETE', '/roles/admin', undefined, () => {
      user.admin = admin
    })
  const remove = (user: KnownUser): Promise<void> =>
    change(user, 'DELETE', '', undefined, () => {
      user.state = 'deleted'
    })

  return {
    pauseMs: 600,
    step: async () => {
      const usable = own.filter(({ state, known }) => known && state === 'there')
      const dice = random.next()
      if (usable.length < 3 || dice < 0.25) return create()
      const user = random.pick(usable)
      if (dice < 0.6) return patch(user)
      if (dice < 0.75) return enable(user, !user.enabled)
      if (dice < 0.9) return role(user, !user.admin)
      return remove(user)
    },
  }
}

/** Strangers who sign up, half of them with the wish for a customer of their own. */
export const signUpWriter = ({ traffic, ledger, random, name }: WriterParts): Writer => {
  let count = 0
  return {
    pauseMs: 2_000,
    step: async () => {
      const email = `${name}-${++count}@load.example`
      const createCustomer = random.next() < 0.5
      const body = JSON.stringify({
        email,
        password: `Aa1-${keyFrom(random, name)}`,
        name: 'New',
        surname: name,
        createCustomer,
      })
      const answer = await traffic.settle({ method: 'POST', path: '/v1/auth/signup', headers: json, body })
      if (!answer) return
      if (answer.status !== 202) return unexpected(traffic, 'sign up', answer)
      ledger.signUps.push({ email, createCustomer })
    },
  }
}
