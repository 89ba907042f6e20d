import { client } from '@clientele/platform/testing/client'
import { eventually } from '@clientele/platform/testing/wait'
import { browser, linkMailedTo, mailsTo } from './mail.ts'
import { password, startUsers, type UsersService, unique } from './users-service.ts'

let users: UsersService
beforeAll(async () => {
  users = await startUsers()
}, 120_000)
afterAll(() => users?.end(), 60_000)

const newEmail = () => `${unique('sue')}@example.com`
const signUp = (body: Record<string, unknown>) => users.anonymous().post('/v1/auth/signup', body)
const findByEmail = async (email: string) =>
  (await users.admin().get(`/v1/users?email=${encodeURIComponent(email)}`)).body.data[0]
const usernamesInKeycloak = async () =>
  (await users.realm.call<{ username: string }[]>('GET', '/users?max=1000')).body.map(({ username }) => username)

describe('Sign-up', () => {
  it('POST /v1/auth/signup creates an account with the role user that can sign in', async () => {
    const email = newEmail()
    expect(await signUp({ email: email.toUpperCase(), password, name: 'Sue', surname: 'Up' })).toMatchObject({
      status: 202,
    })
    const user = await findByEmail(email)
    expect(user).toMatchObject({ displayName: 'Sue Up', roles: ['user'], emailVerified: false })
    expect(user.username).toMatch(/^user-[0-9a-f]{12}$/)
    const { data } = await users.events.next('user.created.v1', user.id)
    expect(data).toMatchObject({ actor: { id: user.id, displayName: 'Sue Up' } })
    expect(data).not.toHaveProperty('createCustomer')
    expect(await users.anonymous().post('/v1/auth/login', { username: email, password })).toMatchObject({ status: 200 })
  })

  it.each([
    [
      'of a guest of Microsoft 365',
      `${unique('sue')}_shop.example#EXT#@tenant.example.com`,
      '#ext#@tenant.example.com',
    ],
    ['with other characters of mail servers', `${unique('sue')}&co/a=b{~}@example.com`, '&co/a=b{~}@example.com'],
    ['with a domain beyond ASCII', `${unique('sue')}@Bücher.example`, '@xn--bcher-kva.example'],
    ['with a top-level domain beyond ASCII', `${unique('sue')}@example.xn--p1ai`, '@example.xn--p1ai'],
  ])('a user with an address %s can sign up, is found, and can sign in', async (_what, email, stored) => {
    expect((await signUp({ email, password })).status).toBe(202)
    const user = await findByEmail(email)
    expect(user.email).toBe(`${email.slice(0, 12).toLowerCase()}${user.email.slice(12)}`)
    expect(user.email.endsWith(stored)).toBe(true)
    for (const username of [email, user.email])
      expect((await users.anonymous().post('/v1/auth/login', { username, password })).status).toBe(200)
  })

  it('a user can sign up without name and surname, and sign in with the username', async () => {
    const [username, email] = [unique('sam'), newEmail()]
    await signUp({ username, email, password })
    expect(await findByEmail(email)).toMatchObject({ username, displayName: username })
    expect(await users.anonymous().post('/v1/auth/login', { username, password })).toMatchObject({ status: 200 })
  })

  it('a username that looks like that of a service account or a probe is refused with 422', async () => {
    const probe = `${unique('sam')}.signup-probe-0190a5c4-6f00-7000-8000-000000000001`
    for (const username of [unique('service-account'), unique('Service-Account'), probe]) {
      const [email, refused] = [newEmail(), { status: 422, body: { errors: [{ pointer: '/username' }] } }]
      expect(await signUp({ username, email, password })).toMatchObject(refused)
      expect(await users.admin().post('/v1/users', { username, email, password })).toMatchObject(refused)
      expect(await usernamesInKeycloak()).not.toContain(username.toLowerCase())
    }
  })

  it('user.created.v1 has createCustomer if the user asked for a customer, and later events do not', async () => {
    const email = newEmail()
    await signUp({ email, password, name: 'Cus', surname: 'Tomer', createCustomer: true })
    const { id } = await findByEmail(email)
    expect((await users.events.next('user.created.v1', id)).data).toMatchObject({ createCustomer: true, email })
    await users.admin().patch(`/v1/users/${id}`, { name: 'Customer' })
    await users.events.next('user.updated.v1', id)
    expect(users.events.all().filter(({ subject }) => subject === id)).toHaveLength(2)
    expect(await users.db.query('select 1 from signup_intents where email = $1', [email])).toEqual([])
  })

  it('the request for a customer survives a crash after Keycloak has created the user', async () => {
    const email = newEmail()
    await users.db.query('insert into signup_intents (email) values ($1)', [email])
    const id = await users.realm.createUser({ username: email, email, password })
    expect((await users.events.next('user.created.v1', id)).data).toMatchObject({ createCustomer: true })
  })

  it('the mailed link verifies the e-mail address', async () => {
    const email = newEmail()
    await signUp({ email, password })
    const { open, follow } = browser()
    const page = await open(await linkMailedTo(email))
    await follow(page, /login-actions/).catch(() => page)
    await eventually(async () => expect(await findByEmail(email)).toMatchObject({ emailVerified: true }))
  })

  it.each([
    ['no password', { password: undefined }, '/password'],
    ['no e-mail address', { email: undefined }, '/email'],
    ['another e-mail address as the username', { username: 'somebody@example.com' }, '/username'],
    ['roles', { roles: ['admin'] }, '/roles'],
    ['enabled', { enabled: true }, '/enabled'],
    ['a name that Keycloak refuses', { name: '<script>' }, '/name'],
    ['a common password', { password: 'Password1' }, '/password'],
  ])('sign-up with %s is refused with 422', async (_what, change, pointer) => {
    const { status, body } = await signUp({ email: newEmail(), password, ...change })
    expect(status).toBe(422)
    expect(body.errors.map((error: { pointer: string }) => error.pointer)).toContain(pointer)
  })
})

describe('Sign-up with a taken address', () => {
  it.each([
    ['the same data', {}],
    ['a weak password', { password: 'short' }],
    ['the address as the password', { password: 'the address' }],
    ['a name that Keycloak refuses', { name: 'a<b' }],
    ['a username of mixed scripts', { username: 'aаbb' }],
  ])('with %s a taken address gets the same response as a new one', async (_what, change) => {
    const taken = newEmail()
    await signUp({ email: taken, password })
    const fields = (email: string) => ({
      email,
      password,
      ...change,
      ...('password' in change && change.password === 'the address' && { password: email }),
    })
    const [known, unknown] = [await signUp(fields(taken)), await signUp(fields(newEmail()))]
    const comparable = ({ status, body }: typeof known) => ({
      status,
      code: body.code,
      errors: body.errors,
      message: body.message,
    })
    expect(comparable(known)).toEqual(comparable(unknown))
  })

  it('a taken address gets its response after about the same time as a new one', async () => {
    const taken = newEmail()
    await signUp({ email: taken, password })
    const time = async (email: string) => {
      const started = performance.now()
      await signUp({ email, password })
      return performance.now() - started
    }
    const times = { taken: [] as number[], free: [] as number[] }
    const difference = () => Math.abs(Math.min(...times.taken) - Math.min(...times.free))
    // Other processes use the machine as well: the more rounds, the better the best of them.
    for (let round = 0; round < 4 || (round < 16 && difference() >= 100); round += 1) {
      times.taken.push(await time(taken))
      times.free.push(await time(newEmail()))
    }
    expect(difference()).toBeLessThan(100)
  }, 60_000)

  it('a sign-up with a taken address creates no user and changes no password', async () => {
    const taken = newEmail()
    await signUp({ email: taken, password })
    const before = await usernamesInKeycloak()
    await signUp({ email: taken, password: 'another password', name: 'Thief' })
    expect(await usernamesInKeycloak()).toEqual(before)
    expect(
      await users.anonymous().post('/v1/auth/login', { username: taken, password: 'another password' }),
    ).toMatchObject({ status: 401 })
    expect(await users.anonymous().post('/v1/auth/login', { username: taken, password })).toMatchObject({ status: 200 })
  })

  it('three sign-ups with the same address at the same time create one account', async () => {
    const email = newEmail()
    const responses = await Promise.all([
      signUp({ email, password }),
      signUp({ email, password }),
      signUp({ email, password }),
    ])
    expect(responses.map(({ status }) => status)).toEqual([202, 202, 202])
    expect((await users.admin().get(`/v1/users?email=${email}`)).body.data).toHaveLength(1)
    expect((await usernamesInKeycloak()).filter((name) => name.includes('probe'))).toEqual([])
  })

  it('a probe that a crash has left in Keycloak is removed and never listed', async () => {
    const username = `user.signup-probe-${crypto.randomUUID()}`
    const id = await users.realm.createUser({ username, email: newEmail(), enabled: false })
    await eventually(async () => expect(await users.realm.findUser(username)).toBeUndefined())
    expect(await users.admin().get(`/v1/users/${id}`)).toMatchObject({ status: 404 })
    expect(users.events.all().filter(({ subject }) => subject === id)).toEqual([])
  })
})

describe('Settings of sign-up', () => {
  it('sign-up can be disabled, give no role, and require a verified address', async () => {
    const disabled = await users.startReplica({ signupEnabled: false })
    const strict = await users.startReplica({ signupDefaultRole: 'none', verifyEmail: true })
    try {
      expect(await client(disabled.url).post('/v1/auth/signup', { email: newEmail(), password })).toMatchObject({
        status: 404,
        body: { code: 'not_found' },
      })
      expect((await client(disabled.url).get('/v1/auth/config')).body).toMatchObject({
        signup: false,
        passwordLogin: true,
        passwordReset: true,
      })

      const email = newEmail()
      expect(await client(strict.url).post('/v1/auth/signup', { email, password })).toMatchObject({ status: 202 })
      expect(await findByEmail(email)).toMatchObject({ roles: [] })
      expect(await users.anonymous().post('/v1/auth/login', { username: email, password })).toMatchObject({
        status: 403,
      })
      const { open, follow } = browser()
      const page = await open(await linkMailedTo(email))
      await follow(page, /login-actions/).catch(() => page)
      const { status, body } = await users.anonymous().post('/v1/auth/login', { username: email, password })
      expect(status).toBe(200)
      expect(await users.as(body.accessToken).get('/v1/users/me')).toMatchObject({ status: 403 })
      expect(await mailsTo(email)).toHaveLength(1)
    } finally {
      await Promise.all([disabled.stop(), strict.stop()])
    }
  }, 60_000)
})
