import { setTimeout as sleep } from 'node:timers/promises'
import { testEnv } from '@clientele/platform/testing/database'
import { requestToken } from '@clientele/platform/testing/realm'
import { eventually } from '@clientele/platform/testing/wait'
import { consoleUsers } from './console-users.ts'
import { browser } from './mail.ts'
import { startOldSessions } from './old-sessions.ts'
import { password, startUsers, type UsersService } from './users-service.ts'

let users: UsersService
beforeAll(async () => {
  users = await startUsers()
}, 120_000)
afterAll(() => users?.end(), 60_000)

const { createInConsole, untilCreated, untilSynced } = consoleUsers(() => users)

describe('Changed credentials', () => {
  const createSignedIn = async () => {
    const { id, username } = await createInConsole()
    await untilCreated(id)
    return { id, username, old: await startOldSessions(users, id, username, password) }
  }
  const setPassword = (id: string, value: string) =>
    users.realm.call('PUT', `/users/${id}/reset-password`, { type: 'password', value, temporary: false })
  /** Adds a one-time code. @returns the id of the credential */
  const addSecondFactor = async (id: string) => {
    const secondFactor = {
      type: 'otp',
      secretData: JSON.stringify({ value: 'secret' }),
      credentialData: JSON.stringify({ subType: 'totp', digits: 6, period: 30, algorithm: 'HmacSHA1' }),
    }
    await users.realm.updateUser(id, { credentials: [secondFactor] })
    const { body } = await users.realm.call<{ id: string; type: string }[]>('GET', `/users/${id}/credentials`)
    return body.find(({ type }) => type === 'otp')?.id
  }
  const sessionIds = async (id: string) =>
    (await users.realm.call<{ id: string }[]>('GET', `/users/${id}/sessions`)).body.map((session) => session.id)
  /** Opens Keycloak's account console, as far as sign-in and `action` go. */
  const openAccount = ({ open }: ReturnType<typeof browser>, action?: string) => {
    const realmUrl = `${testEnv('TEST_KEYCLOAK_URL')}/realms/${users.realm.name}`
    const query = new URLSearchParams({
      client_id: 'account-console',
      redirect_uri: `${realmUrl}/account/`,
      response_type: 'code',
      scope: 'openid',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
      ...(action !== undefined && { kc_action: action }),
    })
    return open(`${realmUrl}/protocol/openid-connect/auth?${query}`)
  }

  it('a password that an administrator sets in Keycloak ends all sessions within 5 s, offline ones too', async () => {
    const { id, old } = await createSignedIn()
    await setPassword(id, 'another horse')
    await old.expectEnded()
    expect(await sessionIds(id)).toEqual([])
  })

  it('a second factor that an administrator removes in Keycloak ends all sessions within 5 s', async () => {
    const { id, old } = await createSignedIn()
    const secondFactor = await addSecondFactor(id)
    await untilSynced()
    await old.expectRefreshable()
    await users.realm.call('DELETE', `/users/${id}/credentials/${secondFactor}`)
    await old.expectEnded()
  })

  it('a password that the user sets in the account console ends all sessions but that one', async () => {
    const { id, username, old } = await createSignedIn()
    const userBrowser = browser()
    await userBrowser.submit(await openAccount(userBrowser), { username, password })
    const others = await sessionIds(id)
    expect(others).toHaveLength(2)
    const page = await openAccount(userBrowser, 'UPDATE_PASSWORD')
    const done = await userBrowser.submit(page, {
      'password-new': 'another horse',
      'password-confirm': 'another horse',
    })
    await old.expectEnded()
    expect(await sessionIds(id)).toEqual([new URL(done.url).searchParams.get('session_state')])
  })

  it('a second factor that the user removes in the account console ends the other sessions', async () => {
    const { id, username, old } = await createSignedIn()
    const userBrowser = browser()
    await userBrowser.submit(await openAccount(userBrowser), { username, password })
    const secondFactor = await addSecondFactor(id)
    await userBrowser.submit(await openAccount(userBrowser, `delete_credential:${secondFactor}`), { accept: 'yes' })
    await old.expectEnded()
    expect(await sessionIds(id)).toHaveLength(1)
  })

  describe('An identity provider', () => {
    const alias = 'partner'
    const link = (id: string) =>
      users.realm.call('POST', `/users/${id}/federated-identity/${alias}`, { userId: `p-${id}`, userName: `p-${id}` })
    beforeAll(async () => {
      const realmUrl = `${testEnv('TEST_KEYCLOAK_URL')}/realms/master/protocol/openid-connect`
      await users.realm.call('POST', '/identity-provider/instances', {
        alias,
        providerId: 'oidc',
        enabled: true,
        config: {
          clientId: 'clientele',
          clientSecret: 'partner-secret',
          authorizationUrl: `${realmUrl}/auth`,
          tokenUrl: `${realmUrl}/token`,
        },
      })
    })

    it('that an administrator unlinks in Keycloak ends all sessions within 5 s; one that is linked ends none', async () => {
      const { id, old } = await createSignedIn()
      await link(id)
      await untilSynced()
      await old.expectRefreshable()
      await users.realm.call('DELETE', `/users/${id}/federated-identity/${alias}`)
      await old.expectEnded()
      expect(await sessionIds(id)).toEqual([])
    })

    it('that the user unlinks in the account console ends the other sessions', async () => {
      const { id, username, old } = await createSignedIn()
      await link(id)
      const account = await eventually(
        () => requestToken(users.realm.name, { grant_type: 'password', client_id: 'test-client', username, password }),
        { timeoutMs: 5_000, everyMs: 700 },
      )
      const realmUrl = `${testEnv('TEST_KEYCLOAK_URL')}/realms/${users.realm.name}`
      const response = await fetch(`${realmUrl}/account/linked-accounts/${alias}`, {
        method: 'DELETE',
        headers: { authorization: `Bearer ${account.access_token}`, accept: 'application/json' },
      })
      expect(response.status).toBe(204)
      await old.expectEnded()
    })
  })

  it('a session with the new password can still be refreshed', async () => {
    const { id, username, old } = await createSignedIn()
    await setPassword(id, 'another horse')
    // Keycloak counts the start of a session in whole seconds.
    await sleep(1_000 - (Date.now() % 1_000))
    const next = await startOldSessions(users, id, username, 'another horse')
    await old.expectEnded()
    await untilSynced()
    await next.expectRefreshable()
  })

  it('access tokens that a former session got after the new password are revoked as well', async () => {
    const { id, old } = await createSignedIn()
    await users.stop()
    await setPassword(id, 'another horse')
    // `iat` has whole seconds: the token is issued in a later one than the change.
    await sleep(1_100)
    await old.expectRefreshable()
    await users.start()
    await old.expectEnded()
  })
})
