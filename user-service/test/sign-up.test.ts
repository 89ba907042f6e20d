import { client } from '@clientele/platform/testing/client'
import { eventually } from '@clientele/platform/testing/wait'
import { browser, linkMailedTo, mailsTo } from './mail.ts'
import { startUsers, type UsersService, unique } from './users-service.ts'

let users: UsersService
beforeAll(async () => {
  users = await startUsers()
}, 120_000)
afterAll(() => users?.end(), 60_000)

const password = 'correct horse'
const anEmail = () => `${unique('sue')}@example.com`
const signUp = (body: Record<string, unknown>) => users.anonymous().post('/v1/auth/signup', body)
const findByEmail = async (email: string) =>
  (await users.admin().get(`/v1/users?email=${encodeURIComponent(email)}`)).body.data[0]
const everybody = async () =>
  (await users.realm.call<{ username: string }[]>('GET', '/users?max=1000')).body.map(({ username }) => username)

describe('sign-up (S0-06, S2-16, S4-06, X1)', () => {
  it('POST /v1/auth/signup makes an account with the role user that can sign in', async () => {
    const email = anEmail()
    expect(await signUp({ email: email.toUpperCase(), password, name: 'Sue', surname: 'Up' })).toMatchObject({
      status: 202,
    })
    const user = await findByEmail(email)
    expect(user).toMatchObject({ username: email, displayName: 'Sue Up', roles: ['user'], emailVerified: false })
    const { data } = await users.tap.next('user.created.v1', user.id)
    expect(data).toMatchObject({ actor: { id: user.id, displayName: 'Sue Up' } })
    expect(data).not.toHaveProperty('createCustomer')
    expect(await users.anonymous().post('/v1/auth/login', { username: email, password })).toMatchObject({ status: 200 })
  })

  it('an account of a name alone needs no names, and can sign in by it', async () => {
    const [username, email] = [unique('sam'), anEmail()]
    await signUp({ username, email, password })
    expect(await findByEmail(email)).toMatchObject({ username, displayName: username })
    expect(await users.anonymous().post('/v1/auth/login', { username, password })).toMatchObject({ status: 200 })
  })

  it('a name of the kind that service accounts and probes have is refused with 422', async () => {
    const probe = `${unique('sam')}.signup-probe-0190a5c4-6f00-7000-8000-000000000001`
    for (const username of [unique('service-account'), unique('Service-Account'), probe]) {
      const [email, refused] = [anEmail(), { status: 422, body: { errors: [{ pointer: '/username' }] } }]
      expect(await signUp({ username, email, password })).toMatchObject(refused)
      expect(await users.admin().post('/v1/users', { username, email, password })).toMatchObject(refused)
      expect(await everybody()).not.toContain(username.toLowerCase())
    }
  })

  it('user.created.v1 carries createCustomer, once (S4-21)', async () => {
    const email = anEmail()
    await signUp({ email, password, name: 'Cus', surname: 'Tomer', createCustomer: true })
    const { id } = await findByEmail(email)
    expect((await users.tap.next('user.created.v1', id)).data).toMatchObject({ createCustomer: true, email })
    await users.admin().patch(`/v1/users/${id}`, { name: 'Customer' })
    await users.tap.next('user.updated.v1', id)
    expect(users.tap.all().filter(({ subject }) => subject === id)).toHaveLength(2)
    expect(await users.db.query('select 1 from signup_intents where email = $1', [email])).toEqual([])
  })

  it('the wish for a customer survives a crash after Keycloak made the user', async () => {
    const email = anEmail()
    await users.db.query('insert into signup_intents (email) values ($1)', [email])
    const id = await users.realm.createUser({ username: email, email, password })
    expect((await users.tap.next('user.created.v1', id)).data).toMatchObject({ createCustomer: true })
  })

  it('the mailed link verifies the address', async () => {
    const email = anEmail()
    await signUp({ email, password })
    const { open, follow } = browser()
    const page = await open(await linkMailedTo(email))
    await follow(page, /login-actions/).catch(() => page)
    await eventually(async () => expect(await findByEmail(email)).toMatchObject({ emailVerified: true }))
  })

  it.each([
    ['no password (never defaulted)', { password: undefined }, '/password'],
    ['no e-mail address', { email: undefined }, '/email'],
    ['another’s address as the username', { username: 'somebody@example.com' }, '/username'],
    ['roles', { roles: ['admin'] }, '/roles'],
    ['enabled', { enabled: true }, '/enabled'],
    ['a name that Keycloak does not take', { name: '<script>' }, '/name'],
  ])('%s is refused', async (_what, change, pointer) => {
    const { status, body } = await signUp({ email: anEmail(), password, ...change })
    expect(status).toBe(422)
    expect(body.errors.map((error: { pointer: string }) => error.pointer)).toContain(pointer)
  })
})

describe('sign-up tells nobody who has an account', () => {
  it.each([
    ['the same data', {}],
    ['a weak password', { password: 'short' }],
    ['the address as the password', { password: 'the address' }],
    ['a name that Keycloak does not take', { name: 'a<b' }],
    ['a username of mixed scripts', { username: 'aаbb' }],
  ])('with %s a taken address answers what a new one answers', async (_what, change) => {
    const taken = anEmail()
    await signUp({ email: taken, password })
    const fields = (email: string) => ({
      email,
      password,
      ...change,
      ...('password' in change && change.password === 'the address' && { password: email }),
    })
    const [known, unknown] = [await signUp(fields(taken)), await signUp(fields(anEmail()))]
    const comparable = ({ status, body }: typeof known) => ({
      status,
      code: body.code,
      errors: body.errors,
      message: body.message,
    })
    expect(comparable(known)).toEqual(comparable(unknown))
  })

  it('takes about as long', async () => {
    const taken = anEmail()
    await signUp({ email: taken, password })
    const time = async (email: string) => {
      const started = performance.now()
      await signUp({ email, password })
      return performance.now() - started
    }
    const times = { taken: [] as number[], free: [] as number[] }
    for (let round = 0; round < 4; round += 1) {
      times.taken.push(await time(taken))
      times.free.push(await time(anEmail()))
    }
    expect(Math.abs(Math.min(...times.taken) - Math.min(...times.free))).toBeLessThan(100)
  })

  it('leaves nothing behind of a refused one, and keeps the account that there was', async () => {
    const taken = anEmail()
    await signUp({ email: taken, password })
    const before = await everybody()
    await signUp({ email: taken, password: 'another password', name: 'Thief' })
    expect(await everybody()).toEqual(before)
    expect(
      await users.anonymous().post('/v1/auth/login', { username: taken, password: 'another password' }),
    ).toMatchObject({ status: 401 })
    expect(await users.anonymous().post('/v1/auth/login', { username: taken, password })).toMatchObject({ status: 200 })
  })

  it('two sign-ups of one address at once make one account', async () => {
    const email = anEmail()
    const answers = await Promise.all([
      signUp({ email, password }),
      signUp({ email, password }),
      signUp({ email, password }),
    ])
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202])
    expect((await users.admin().get(`/v1/users?email=${email}`)).body.data).toHaveLength(1)
    expect((await everybody()).filter((name) => name.includes('probe'))).toEqual([])
  })

  it('a probe that a crash left is removed and never shown', async () => {
    const username = `person.signup-probe-${crypto.randomUUID()}`
    const id = await users.realm.createUser({ username, email: anEmail(), enabled: false })
    await eventually(async () => expect(await users.realm.findUser(username)).toBeUndefined())
    expect(await users.admin().get(`/v1/users/${id}`)).toMatchObject({ status: 404 })
    expect(users.tap.all().filter(({ subject }) => subject === id)).toEqual([])
  })
})

describe('switches', () => {
  it('sign-up can be off, wait for an admin, or for the mailed link', async () => {
    const off = await users.another({ signupEnabled: false })
    const strict = await users.another({ signupDefaultRole: 'none', verifyEmail: true })
    try {
      expect(await client(off.url).post('/v1/auth/signup', { email: anEmail(), password })).toMatchObject({
        status: 404,
        body: { code: 'not_found' },
      })
      expect((await client(off.url).get('/v1/auth/config')).body).toMatchObject({
        signup: false,
        passwordLogin: true,
        passwordReset: true,
      })

      const email = anEmail()
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
      await Promise.all([off.stop(), strict.stop()])
    }
  }, 60_000)
})
