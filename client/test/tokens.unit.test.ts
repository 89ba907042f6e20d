import { createClient, type StoredTokens, type TokenStore } from '../src/index.ts'
import { memoryStore } from '../src/tokens.ts'
import { problem, type StubApi, startStubApi } from './stub-api.ts'

let api: StubApi
beforeEach(async () => {
  api = await startStubApi()
})
afterEach(async () => {
  Reflect.deleteProperty(navigator, 'locks')
  await api.stop()
})

const issued = (accessToken: string, expiresIn = 300) => ({
  status: 200,
  body: { accessToken, refreshToken: `refresh-${accessToken}`, expiresIn, refreshExpiresIn: 1800, tokenType: 'Bearer' },
})
/** Issues the tokens t1, t2 …, and accepts only the last one. */
const issueTokens = (expiresIn?: number): void => {
  let count = 0
  api.respond(({ path, headers }) => {
    if (/login|refresh/.test(path)) return issued(`t${++count}`, expiresIn)
    if (path.endsWith('logout')) return { status: 204 }
    return headers.authorization === `Bearer t${count}`
      ? { status: 200, body: { id: '1' } }
      : problem(401, 'invalid_token')
  })
}
const storeWith = (tokens: StoredTokens): TokenStore => {
  const store = memoryStore()
  store.set(tokens)
  return store
}
const paths = (part: string) => api.received.filter(({ path }) => path.includes(part))
const credentials = { username: 'ana', password: 'secret' }

describe('Tokens of the client', () => {
  it('requests after a sign-in have its token, and after a sign-out none', async () => {
    issueTokens()
    const clientele = createClient({ baseUrl: api.url })
    await clientele.signIn(credentials)
    await clientele.me.get()
    await clientele.signOut()
    await expect(clientele.me.get()).rejects.toMatchObject({ status: 401 })
    expect(paths('/me').map(({ headers }) => headers.authorization)).toEqual(['Bearer t1', undefined])
    expect(paths('logout')[0]?.body).toBe('{"refreshToken":"refresh-t1"}')
  })

  it('a token that is about to expire is renewed once for all requests at the same time', async () => {
    issueTokens(10)
    const clientele = createClient({ baseUrl: api.url })
    await clientele.signIn(credentials)
    await Promise.all(Array.from({ length: 10 }, () => clientele.me.get()))
    expect(paths('refresh').map(({ body }) => body)).toEqual(['{"refreshToken":"refresh-t1"}'])
  })

  it.each(['with', 'without'])(
    '%s navigator.locks, a refused token is renewed once for all requests at the same time',
    async (locks) => {
      if (locks === 'without') Object.defineProperty(navigator, 'locks', { value: undefined, configurable: true })
      const store = storeWith({ accessToken: 'old', refreshToken: 'refresh-old', expiresAt: Date.now() + 300_000 })
      issueTokens()
      const clientele = createClient({ baseUrl: api.url, tokenStore: store })
      const found = await Promise.all(Array.from({ length: 10 }, () => clientele.customers.get('1')))
      expect(found).toHaveLength(10)
      expect(paths('refresh')).toHaveLength(1)
      expect(await store.get()).toMatchObject({ accessToken: 't1', refreshToken: 'refresh-t1' })
    },
  )

  it('two clients with one store, as in two tabs, renew a token only once', async () => {
    const store = storeWith({ accessToken: 'old', refreshToken: 'refresh-old', expiresAt: Date.now() + 300_000 })
    issueTokens()
    const tabs = [1, 2].map(() => createClient({ baseUrl: api.url, tokenStore: store }))
    await Promise.all(tabs.map((tab) => tab.customers.get('1')))
    expect(paths('refresh')).toHaveLength(1)
  })

  it('a session that has ended is forgotten, and the error is that of the request', async () => {
    const store = storeWith({ accessToken: 'old', refreshToken: 'refresh-old', expiresAt: 0 })
    api.respond(() => problem(401, 'invalid_token'))
    const clientele = createClient({ baseUrl: api.url, tokenStore: store })
    await expect(clientele.customers.get('1')).rejects.toMatchObject({ code: 'invalid_token' })
    expect(await store.get()).toBeUndefined()
  })

  it('getToken is asked for another token when the API refuses one, and not for another error 401', async () => {
    const asked: boolean[] = []
    api.respond(({ headers, method }) => {
      if (headers.authorization !== 'Bearer new') return problem(401, 'invalid_token')
      return method === 'GET' ? { status: 200, body: {} } : problem(401, 'reauthentication_required')
    })
    let token = 'old'
    const clientele = createClient({
      baseUrl: api.url,
      getToken: ({ renew }) => {
        asked.push(renew)
        if (renew) token = 'new'
        return token
      },
    })
    await clientele.me.get()
    expect(asked).toEqual([false, false, true])
    await expect(clientele.me.update({ name: 'Ana' })).rejects.toMatchObject({ code: 'reauthentication_required' })
    expect(asked).toEqual([false, false, true, false])
    await expect(clientele.signIn(credentials)).rejects.toThrow('this client gets its tokens from getToken')
  })
})
