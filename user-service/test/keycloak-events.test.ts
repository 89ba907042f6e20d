import { setTimeout as sleep } from 'node:timers/promises'
import { requestToken } from '@clientele/platform/testing/realm'
import { eventually } from '@clientele/platform/testing/wait'
import { consoleUsers } from './console-users.ts'
import { password, startUsers, type UsersService, unique } from './users-service.ts'

let users: UsersService
beforeAll(async () => {
  users = await startUsers()
}, 120_000)
afterAll(() => users?.end(), 60_000)

const { createInConsole, untilCreated, untilSynced } = consoleUsers(() => users)

type Profile = { attributes: Record<string, unknown>[] }

const signedIn = async () => {
  const { id, username } = await createInConsole()
  await untilCreated(id)
  const { refresh_token } = await requestToken(users.realm.name, {
    grant_type: 'password',
    client_id: 'test-client',
    scope: 'openid',
    username,
    password,
  })
  const signOut = async () => {
    const url = `${users.config.keycloakIssuer}/protocol/openid-connect/logout`
    const body = new URLSearchParams({ client_id: 'test-client', refresh_token: refresh_token ?? '' })
    expect((await fetch(url, { method: 'POST', body, signal: AbortSignal.timeout(10_000) })).status).toBe(204)
  }
  return { id, username, signOut }
}

/** A trigger that makes the database refuse a write while `work` runs. */
const refusing = async (table: string, condition: string, work: () => Promise<void>): Promise<void> => {
  await users.asOwner(
    `create function refuse_write() returns trigger language plpgsql as $$ begin raise exception 'refused by the test'; end $$`,
    `create trigger refuse_write before insert or update on ${table} for each row when (${condition}) execute function refuse_write()`,
  )
  try {
    await work()
  } finally {
    await users.asOwner('drop function refuse_write cascade')
  }
}

const givenUp = async (logName: string): Promise<number> => {
  const text = await (await users.internal().raw('GET', '/metrics')).body
  const line = String(text)
    .split('\n')
    .find((each) => each.startsWith(`clientele_keycloak_events_total{source="${logName}",outcome="given_up"`))
  return Number(line?.split(' ').at(-1))
}

describe('Events that cannot be handled', () => {
  it('a sign-out is followed within 5 s after the user profile of the realm was saved', async () => {
    const { id, signOut } = await signedIn()
    const { body: profile } = await users.realm.call<Profile>('GET', '/users/profile')
    const attributes = [...profile.attributes, { name: 'nickname', permissions: { view: ['admin'], edit: ['admin'] } }]
    await users.realm.call('PUT', '/users/profile', { ...profile, attributes })
    await signOut()
    await users.events.next('user.signed_out.v1', id, 5_000)
  })

  it('an event that always fails is given up, and the other events of both logs are handled within 5 s', async () => {
    const before = { admin: await givenUp('admin'), user: await givenUp('user') }
    const good = await signedIn()
    await refusing('users', "new.username like 'poison-%'", async () => {
      const poison = await createInConsole({ username: unique('poison') })
      await requestToken(users.realm.name, {
        grant_type: 'password',
        client_id: 'test-client',
        username: poison.username,
        password,
      })
      await good.signOut()
      await users.events.next('user.signed_out.v1', good.id, 5_000)
      await untilCreated((await createInConsole()).id)
      await eventually(
        async () => {
          const rows = await users.db.query<{ source: string }>(
            `select distinct source from keycloak_events where given_up_reason like '%refused by the test%' order by source`,
          )
          expect(rows).toEqual([{ source: 'admin' }, { source: 'user' }])
        },
        { timeoutMs: 20_000 },
      )
      expect(await givenUp('admin')).toBeGreaterThan(before.admin)
      expect(await givenUp('user')).toBeGreaterThan(before.user)
    })
  }, 60_000)

  it('user events and role checks go on while the admin log cannot be followed', async () => {
    const { id, signOut } = await signedIn()
    const group = (await users.realm.call('POST', '/groups', { name: unique('group') })).location.split('/').at(-1)
    await users.realm.call('PUT', `/users/${id}/groups/${group}`)
    await untilSynced()
    await refusing('watermarks', "new.name = 'admin'", async () => {
      const { body: admin } = await users.realm.call('GET', '/roles/admin')
      await users.realm.call('POST', `/groups/${group}/role-mappings/realm`, [admin])
      await users.events.next('user.role_granted.v1', id, 5_000)
      await signOut()
      await users.events.next('user.signed_out.v1', id, 5_000)
    })
  }, 30_000)
})

describe('Clients with a service account', () => {
  type Client = { id: string; clientId: string; secret: string }

  const createClient = async (): Promise<Client> => {
    const clientId = unique('ERP')
    const { location } = await users.realm.call('POST', '/clients', {
      clientId,
      publicClient: false,
      serviceAccountsEnabled: true,
      standardFlowEnabled: false,
    })
    return (await users.realm.call<Client>('GET', `/clients/${location.split('/').at(-1)}`)).body
  }
  const tokenOf = async ({ clientId, secret }: Client): Promise<{ sub: string; iat: number }> => {
    const { access_token: token } = await requestToken(users.realm.name, {
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: secret,
    })
    return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { sub: string; iat: number }
  }
  const isRevoked = async ({ sub, iat }: { sub: string; iat: number }): Promise<boolean> => {
    const { body } = await users.internal().get('/revocations')
    const found = (body.data as { userId: string; notBefore: string }[]).find(({ userId }) => userId === sub)
    return found !== undefined && iat <= Math.floor(Date.parse(found.notBefore) / 1_000)
  }
  const untilRevoked = (token: { sub: string; iat: number }) =>
    eventually(async () => expect(await isRevoked(token)).toBe(true), { timeoutMs: 5_000 })
  /** Waits until the events so far are handled, in a later second. */
  const untilFollowed = async () => {
    await untilCreated((await createInConsole()).id)
    await sleep(1_000 - (Date.now() % 1_000))
  }

  it('tokens end within 5 s when the client is disabled, and new ones are valid when it is enabled again', async () => {
    const machine = await createClient()
    const old = await tokenOf(machine)
    await users.realm.call('PUT', `/clients/${machine.id}`, { enabled: false })
    await untilRevoked(old)
    await sleep(1_000 - (Date.now() % 1_000))
    const { body: whole } = await users.realm.call<object>('GET', `/clients/${machine.id}`)
    // Keycloak's console sends the whole client.
    await users.realm.call('PUT', `/clients/${machine.id}`, { ...whole, enabled: true })
    const next = await tokenOf(machine)
    await untilFollowed()
    expect(await isRevoked(next)).toBe(false)
  })

  it('tokens end within 5 s when the client gets a new secret', async () => {
    const machine = await createClient()
    const old = await tokenOf(machine)
    await users.realm.call('POST', `/clients/${machine.id}/client-secret`, {})
    await untilRevoked(old)
  })

  it('tokens end within 5 s when a client whose id no event has shown gets a new secret', async () => {
    const machine = await createClient()
    const old = await tokenOf(machine)
    await untilFollowed()
    await users.db.query('update service_accounts set client_key = null')
    await users.realm.call('POST', `/clients/${machine.id}/client-secret`, {})
    await untilRevoked(old)
  })

  it('tokens end within 5 s when the client is deleted, or loses its service account', async () => {
    const [deleted, stripped] = [await createClient(), await createClient()]
    const tokens = [await tokenOf(deleted), await tokenOf(stripped)]
    await untilFollowed()
    await users.realm.call('DELETE', `/clients/${deleted.id}`)
    await users.realm.call('PUT', `/clients/${stripped.id}`, { serviceAccountsEnabled: false })
    for (const token of tokens) await untilRevoked(token)
  })

  it('a description that changes ends no tokens', async () => {
    const machine = await createClient()
    const token = await tokenOf(machine)
    await users.realm.call('PUT', `/clients/${machine.id}`, { description: 'the till' })
    await untilFollowed()
    expect(await isRevoked(token)).toBe(false)
  })

  it('tokens of a client that was deleted while Keycloak logged no admin events end with the next reconciliation', async () => {
    const machine = await createClient()
    const token = await tokenOf(machine)
    await untilFollowed()
    await users.realm.call('PUT', '/events/config', { adminEventsEnabled: false })
    await users.realm.call('DELETE', `/clients/${machine.id}`)
    await users.realm.call('PUT', '/events/config', { adminEventsEnabled: true })
    expect(await isRevoked(token)).toBe(false)
    await users.stop()
    await users.start()
    await untilRevoked(token)
  })
})
