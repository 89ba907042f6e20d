import { signIn } from '@clientele/platform/testing/tokens'
import { password, startUsers, type UsersService } from './users-service.ts'

let users: UsersService
beforeAll(async () => {
  users = await startUsers()
}, 120_000)
afterAll(() => users?.end(), 60_000)

const login = (username: string, secret: string = password) =>
  users.anonymous().post('/v1/auth/login', { username, password: secret })
/** Signs in at Keycloak, past user-service. Keycloak refuses all other sign-ins of the account meanwhile. */
const keepBusy = (username: string) =>
  signIn(username, password, 'test-client', users.realm.name).catch((error: Error) => error)

describe('An account whose sign-ins follow each other closely', () => {
  it('a sign-in right after another succeeds while Keycloak is busy with a sign-in of the same account', async () => {
    const { username, email } = await users.createUser()
    const statuses = [(await login(username)).status]
    for (let round = 0; round < 6; round += 1) {
      const busy = [keepBusy(username), keepBusy(username)]
      statuses.push((await login(round % 2 === 0 ? username : email)).status)
      await Promise.all(busy)
    }
    expect(statuses).toEqual(Array<number>(7).fill(200))
  }, 30_000)

  it('a wrong password right after a sign-in is sent to Keycloak once', async () => {
    const { id, username } = await users.createUser()
    expect(await login(username)).toMatchObject({ status: 200 })
    expect(await login(username, 'wrong horse')).toMatchObject({ status: 401, body: { code: 'invalid_credentials' } })
    const { body: errors } = await users.realm.call<{ error: string }[]>('GET', `/events?type=LOGIN_ERROR&user=${id}`)
    expect(errors.filter(({ error }) => error === 'invalid_user_credentials')).toHaveLength(1)
  })
})
