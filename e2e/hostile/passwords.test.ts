import { randomBytes } from 'node:crypto'
import { type SignedIn, signIn } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { type HostileSystem, startHostileSystem } from './hostile-system.ts'

const perAddress = 12
let system: HostileSystem
beforeAll(async () => {
  system = await startHostileSystem({
    gateway: { RATE_LIMIT_AUTH: String(perAddress), TRUSTED_PROXIES: '1' },
    'user-service': { SMTP_CONFIGURED: 'true' },
  })
}, 120_000)
afterAll(() => system?.close(), 60_000)

let addresses = 0
/** Somebody behind the proxy whom nobody has seen yet. */
const newAddress = (): string => `198.51.${(addresses >> 8) & 255}.${addresses++ & 255}`
const unique = (text: string): string => `${text}-${randomBytes(5).toString('hex')}`

const post = async (path: string, body: Record<string, string>, from = newAddress()) => {
  for (const value of [body['password'], body['email']]) if (value !== undefined) system.secret(value)
  const { status, headers, body: answer } = await system.as().post(path, body, { 'x-forwarded-for': from })
  return { status, code: answer?.code, answer, after: headers.get('retry-after') }
}
const login = (username: string, password = unique('Wrong-1'), from?: string) =>
  post('/v1/auth/login', { username, password }, from)

/** Keycloak judges an account's sign-ins one by one, and refuses one that comes while it still notes down the last. */
const signsIn = (username: string, password: string) =>
  eventually(
    async () => {
      const answer = await login(username, password)
      expect(answer.status).toBe(200)
      return answer
    },
    { timeoutMs: 5_000, everyMs: 700 },
  )

describe('guesses from one address', () => {
  it('end after a number of them, whatever X-Forwarded-For begins with; others sign in meanwhile', async () => {
    const from = newAddress()
    const statuses = []
    for (let guess = 0; guess < perAddress + 3; guess += 1)
      statuses.push((await login(unique('nobody'), undefined, `203.0.113.${guess}, ${from}`)).status)
    expect(statuses).toEqual([...Array<number>(perAddress).fill(401), 429, 429, 429])
    const refused = await login(unique('nobody'), undefined, from)
    expect(refused.code).toBe('rate_limited')
    expect(Number(refused.after)).toBeGreaterThan(0)
    const { username, password } = await system.person('user')
    await signsIn(username, password)
  })

  it('are counted together over sign-in, sign-up, refresh and reset', async () => {
    const from = newAddress()
    const kinds = [
      () => login(unique('nobody'), undefined, from),
      () => post('/v1/auth/refresh', { refreshToken: 'x' }, from),
      () => post('/v1/auth/password-reset', { email: `${unique('nobody')}@example.com` }, from),
      () => post('/v1/auth/logout', { refreshToken: 'x' }, from),
    ]
    for (let index = 0; index < perAddress; index += 1) {
      const answer = await kinds[index % kinds.length]?.()
      expect(answer?.status).not.toBe(429)
    }
    for (const kind of kinds) expect((await kind()).status).toBe(429)
  })
})

describe('guesses from many addresses under one name', () => {
  /** Guesses until the name is locked; the answers, each kind once. */
  const guesses = async (name: string) => {
    const answers = []
    for (let guess = 0; guess < 7; guess += 1) {
      const { status, code, answer } = await login(name)
      answers.push({ status, code, title: answer.title, detail: answer.detail })
    }
    const tried = answers.findIndex(({ status }) => status !== 401)
    return {
      tried,
      first: answers[0],
      last: answers.at(-1),
      locked: answers.slice(tried).every(({ status }) => status === 429),
    }
  }

  it('are locked after five at most; a name without an account gets the same answers, and so does the right password', async () => {
    const { username, password } = await system.person('user')
    const { tried, ...known } = await guesses(username)
    expect(tried).toBeGreaterThan(0)
    expect(tried).toBeLessThanOrEqual(5)
    expect(known).toMatchObject({ locked: true, first: { code: 'invalid_credentials' }, last: { code: 'locked' } })
    const { tried: _alike, ...unknown } = await guesses(unique('nobody'))
    expect(unknown).toEqual(known)
    const right = await login(username, password)
    expect({ status: right.status, code: right.code }).toEqual({ status: 429, code: 'locked' })
    expect(Number(right.after)).toBeGreaterThan(20)
    expect((await login(` ${username.toUpperCase()} `, password)).status).toBe(429)
  })

  const attackOn = ({ id }: SignedIn) => `/attack-detection/brute-force/users/${id}`

  it('are counted for both names of an account: neither takes the right password then', async () => {
    const person = await system.person('user')
    const names = [person.username, `${person.username}@example.com`]
    const statuses = []
    for (let guess = 0; guess < 14; guess += 1) statuses.push((await login(names[guess % 2] ?? '')).status)
    expect(statuses.filter((status) => status === 401).length).toBeLessThanOrEqual(10)
    for (const name of names) expect([401, 429]).toContain((await login(name, person.password)).status)
  })

  it('that go to Keycloak directly lock the account there, for our sign-in as well', async () => {
    const person = await system.person('user')
    const guess = () => signIn(person.username, unique('Wrong-1'), 'test-client', system.realm.name)
    // Keycloak counts after it has answered, and does not judge a guess that comes before it has.
    await eventually(
      async () => {
        await expect(guess()).rejects.toThrow('invalid_grant')
        expect((await system.realm.call('GET', attackOn(person))).body).toMatchObject({ disabled: true })
      },
      { timeoutMs: 20_000 },
    )
    expect(await login(person.username, person.password)).toMatchObject({ status: 401, code: 'invalid_credentials' })
  })

  it('twenty at the same instant are judged one by one: no more than five of them, and the name is locked', async () => {
    const person = await system.person('user')
    const answers = await Promise.all(Array.from({ length: 20 }, () => login(person.username)))
    const judged = answers.filter(({ status }) => status === 401).length
    expect(judged).toBeGreaterThan(0)
    expect(judged).toBeLessThanOrEqual(5)
    for (const { status, after } of answers)
      if (status !== 401)
        expect({ status, after }).toEqual({ status: expect.any(Number), after: expect.stringMatching(/^\d+$/) })
    expect((await login(person.username, person.password)).status).toBe(429)
  })
})

it('the right password from ten workers at once signs in ten times, and locks nobody out', async () => {
  const { username, password } = await system.person('user')
  await signsIn(username, password)
  const answers = await Promise.all(Array.from({ length: 10 }, () => login(username, password)))
  expect(answers.map(({ status }) => status)).toEqual(Array<number>(10).fill(200))
})

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

/** Taken in turns, so that a busy machine slows both; a hash of a password or a call less would be half of the time. */
const isAlike = (one: number[], other: number[]): boolean => {
  const [a, b] = [median(one), median(other)]
  return Math.abs(a - b) < Math.max(a, b) * 0.35 + 15
}

describe('whether an account exists', () => {
  const rounds = 9
  const timed = async (work: () => Promise<unknown>): Promise<number> => {
    const started = performance.now()
    await work()
    return performance.now() - started
  }

  it('is not told by the time that a sign-in takes', async () => {
    const names = Array.from({ length: rounds }, () => unique('timed'))
    for (const username of names)
      await system.realm.createUser({ username, email: `${username}@example.com`, password: unique('Aa1') })
    await login(unique('warm'))
    const times = { known: [] as number[], unknown: [] as number[] }
    for (const name of names) {
      times.known.push(await timed(() => login(name)))
      times.unknown.push(await timed(() => login(unique('nobody'))))
    }
    expect(isAlike(times.known, times.unknown)).toBe(true)
  }, 60_000)

  it('is not told by sign-up, in words or time', async () => {
    const { username } = await system.person('user')
    const password = unique('Aa1-long')
    const times = { taken: [] as number[], free: [] as number[] }
    for (let round = 0; round < 5; round += 1) {
      const free = `${unique('new')}@example.com`
      const ask = (email: string) => post('/v1/auth/signup', { email, password })
      let answers: Awaited<ReturnType<typeof ask>>[] = []
      times.taken.push(await timed(async () => answers.push(await ask(`${username}@example.com`))))
      times.free.push(await timed(async () => answers.push(await ask(free))))
      answers = answers.map((answer) => ({ ...answer, answer: { ...answer.answer, requestId: '' } }))
      expect(answers[0]).toEqual(answers[1])
      expect(answers[0]?.status).toBe(202)
    }
    expect(isAlike(times.taken, times.free)).toBe(true)
  }, 60_000)

  it('is not told by a password reset, in words or time', async () => {
    const times = { known: [] as number[], unknown: [] as number[] }
    for (let round = 0; round < 5; round += 1) {
      const { username } = await system.person('user')
      const answers: unknown[] = []
      const ask = async (email: string) => {
        const { status, answer } = await post('/v1/auth/password-reset', { email })
        answers.push({ status, answer })
      }
      times.known.push(await timed(() => ask(`${username}@example.com`)))
      times.unknown.push(await timed(() => ask(`${unique('nobody')}@example.com`)))
      expect(answers[0]).toEqual(answers[1])
    }
    expect(isAlike(times.known, times.unknown)).toBe(true)
  }, 60_000)
})

it('a refresh token is good for one use, and a guessed one for none', async () => {
  const { username, password } = await system.person('user')
  const { answer } = await signsIn(username, password)
  const first = await post('/v1/auth/refresh', { refreshToken: answer.refreshToken })
  expect(first.status).toBe(200)
  system.secret(
    answer.accessToken.split('.')[2],
    answer.refreshToken,
    first.answer.accessToken,
    first.answer.refreshToken,
  )
  for (const refreshToken of [answer.refreshToken, answer.accessToken, 'x', `${answer.refreshToken.slice(0, -3)}AAA`])
    expect(await post('/v1/auth/refresh', { refreshToken })).toMatchObject({ status: 401, code: 'invalid_token' })
})

it('no password, token or address stands in the logs and refusals of all this', () => {
  const { logLines, refusals, ...found } = system.leaks()
  expect(logLines).toBeGreaterThan(100)
  expect(refusals).toBeGreaterThan(50)
  expect(found).toEqual({ inLogs: [], inRefusals: [] })
})
