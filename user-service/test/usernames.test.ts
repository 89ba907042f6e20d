import { signIn } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { password, startUsers, type UsersService, unique } from './users-service.ts'

let users: UsersService
beforeAll(async () => {
  users = await startUsers({ signupDefaultRole: 'user', reconcileIntervalMs: 1_000 })
}, 120_000)
afterAll(() => users?.end(), 60_000)

const generated = /^user-[0-9a-f]{12}$/
const newEmail = () => `${unique('sue')}@example.com`
const signUp = (body: Record<string, unknown>) => users.anonymous().post('/v1/auth/signup', { password, ...body })
const logIn = (username: string, secret = password) =>
  users.anonymous().post('/v1/auth/login', { username, password: secret })
const getUser = async (id: string) => (await users.admin().get(`/v1/users/${id}`)).body
const findByEmail = async (email: string) =>
  (await users.admin().get(`/v1/users?email=${encodeURIComponent(email)}`)).body.data[0]
/** An account whose username is its e-mail address, as those of earlier versions. */
const createNamedByAddress = async () => {
  const email = newEmail()
  const id = await users.realm.createUser({ username: email, email, password })
  await users.events.next('user.created.v1', id)
  return { id, email }
}
/** After the week in which its former owner can restore it, somebody else signs up with the address, and signs in with it. */
const expectUsable = async (email: string) => {
  expect(await signUp({ email, password: 'of the next owner' })).toMatchObject({ status: 202 })
  expect(await findByEmail(email)).toBeUndefined()
  await users.db.query(`update email_links set expires_at = now() where email = $1 and kind = 'restoration'`, [email])
  expect(await signUp({ email, password: 'of the next owner' })).toMatchObject({ status: 202 })
  expect(await findByEmail(email)).toMatchObject({ email })
  expect(await logIn(email, 'of the next owner')).toMatchObject({ status: 200 })
}

describe('E-mail addresses that were given up', () => {
  it('the address of a user who signed up with it can be used by its next owner a week after a change', async () => {
    const [address, next] = [newEmail(), newEmail()]
    await signUp({ email: address, username: address })
    const { id, username } = await findByEmail(address)
    expect(username).toMatch(generated)
    expect(await users.admin().patch(`/v1/users/${id}`, { email: next })).toMatchObject({ status: 200 })
    await expectUsable(address)
    expect(await logIn(next)).toMatchObject({ status: 200 })
  })

  it('a username that is the former e-mail address is replaced when the address changes in Keycloak', async () => {
    const { id, email } = await createNamedByAddress()
    const next = newEmail()
    await users.realm.updateUser(id, { email: next })
    const { data } = await users.events.next('user.updated.v1', id)
    expect(data).toMatchObject({
      changed: expect.arrayContaining(['username', 'email']),
      email: next,
      username: expect.stringMatching(generated),
    })
    await expectUsable(email)
    expect(await logIn(next)).toMatchObject({ status: 200 })
  })

  it('the reconciliation replaces it where the realm has forbidden to change usernames until now', async () => {
    await users.realm.call('PUT', '', { editUsernameAllowed: false })
    const { id, email } = await createNamedByAddress()
    await users.realm.updateUser(id, { email: newEmail() })
    await users.events.next('user.updated.v1', id)
    expect(await getUser(id)).toMatchObject({ username: email })
    await users.realm.call('PUT', '', { editUsernameAllowed: true })
    await eventually(async () => expect((await getUser(id)).username).toMatch(generated))
    await expectUsable(email)
  })

  it('a username that is another address, and never was the user’s, stays', async () => {
    const username = newEmail()
    const { body } = await users.admin().post('/v1/users', { username, email: newEmail() })
    await users.admin().patch(`/v1/users/${body.id}`, { email: newEmail() })
    expect(await getUser(body.id)).toMatchObject({ username })
    expect(await users.admin().post('/v1/users', { username: unique('kim'), email: username })).toMatchObject({
      status: 409,
      body: { conflictingId: body.id, errors: [{ pointer: '/email' }] },
    })
  })
})

describe('Usernames', () => {
  it('a taken username is replaced by a generated one at sign-up, and the response is the same', async () => {
    const username = unique('ana')
    const [first, second] = [newEmail(), newEmail()]
    const responses = [await signUp({ username, email: first }), await signUp({ username, email: second })]
    expect(responses[0]?.body).toEqual(responses[1]?.body)
    expect(await findByEmail(first)).toMatchObject({ username })
    expect((await findByEmail(second)).username).toMatch(generated)
    expect(await logIn(second)).toMatchObject({ status: 200 })
  })

  it('characters that look alike are the same at sign-up, in POST /v1/users and at sign-in', async () => {
    const username = unique('office')
    const alike = username.replace('office', 'ｏﬃｃｅ')
    await signUp({ username: alike, email: newEmail() })
    expect(await logIn(alike)).toMatchObject({ status: 200 })
    expect(await logIn(username)).toMatchObject({ status: 200 })
    expect(await users.admin().post('/v1/users', { username: alike, email: newEmail() })).toMatchObject({
      status: 409,
      body: { code: 'duplicate' },
    })
    const created = await users.admin().post('/v1/users', { username: `${unique('ａｄｍ')}¹`, email: newEmail() })
    expect(created.body.username).toMatch(/^adm-[0-9a-f]+1$/)
  })
})

describe('Display names', () => {
  it('an e-mail address is never shown as the name of a user, or of who made a change', async () => {
    const email = newEmail()
    const { body } = await users.admin().post('/v1/users', { username: email, email, password })
    const displayName = `User ${body.id.slice(0, 4)}`
    expect(body).toMatchObject({ username: email, displayName })
    const { token } = await signIn(email, password, 'test-client', users.realm.name)
    expect(await users.as(token).patch('/v1/users/me', { surname: 'of@all.example' })).toMatchObject({
      body: { displayName },
    })
    const { data } = await users.events.next('user.updated.v1', body.id)
    expect(data).toMatchObject({ displayName, actor: { id: body.id, displayName } })
  })
})
