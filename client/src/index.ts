import { createCore } from './core.ts'
import { ClienteleError } from './error.ts'
import type { Login, SignedIn } from './generated/api.ts'
import { createResources } from './resources.ts'
import { type GetToken, memoryStore, passwordTokens, providedTokens, storedTokens, type TokenStore } from './tokens.ts'

export type { WaitOptions } from './calls.ts'
export { ClienteleError, type ErrorCode } from './error.ts'
export type * from './generated/api.ts'
export type { Body, Item, Progress, Query, RequestInput, RequestOptions, Result, Route } from './routes.ts'
export type { GetToken, StoredTokens, TokenStore } from './tokens.ts'

/** How a client is made. */
export type ClientOptions = {
  /** The address of the gateway, such as `https://crm.example.com`. */
  baseUrl: string
  /** Where access tokens come from. Without it, `signIn` gets them with a password. */
  getToken?: GetToken | undefined
  /** Where the tokens of `signIn` are kept. Default: in memory. */
  tokenStore?: TokenStore | undefined
  /** The longest time for each attempt of a request without files. Default: 30 s. */
  timeoutMs?: number | undefined
  /** How often a request is repeated that may be repeated. Default: 2. */
  maxRetries?: number | undefined
  /** Used instead of the global `fetch`. */
  fetch?: typeof globalThis.fetch | undefined
}

/** A client of one installation. */
export type Clientele = ReturnType<typeof createClient>

const withoutSlash = (url: string): string => new URL(url).href.replace(/\/+$/, '')

/** Creates a client. @throws TypeError if `baseUrl` is not a URL */
export const createClient = ({
  baseUrl: url,
  getToken,
  tokenStore = memoryStore(),
  timeoutMs = 30_000,
  maxRetries = 2,
  fetch = (...args) => globalThis.fetch(...args),
}: ClientOptions) => {
  const baseUrl = withoutSlash(url)
  const settings = { baseUrl, timeoutMs, maxRetries, fetch }
  const anonymous = createCore(settings)
  const lock = `clientele-tokens:${baseUrl}`
  const refresh = (refreshToken: string) =>
    anonymous.request('POST /v1/auth/refresh', { body: { refreshToken } }).catch((error: unknown) => {
      if (error instanceof ClienteleError && error.status === 401) return undefined
      throw error
    })
  const tokens = getToken ? providedTokens(lock, getToken) : passwordTokens(lock, tokenStore, refresh)
  const core = createCore(settings, tokens)

  return {
    ...createResources(core),
    /** Signs in with a password. With `getToken`, sign in there. @throws ClienteleError, such as 401 `otp_required` */
    signIn: async (credentials: Login): Promise<SignedIn> => {
      if (getToken) throw new TypeError('this client gets its tokens from getToken')
      const signedIn = await anonymous.request('POST /v1/auth/login', { body: credentials })
      await tokenStore.set(storedTokens(signedIn))
      return signedIn
    },
    /** Ends the session of `signIn`. */
    signOut: async (): Promise<void> => {
      const tokens = await tokenStore.get()
      await tokenStore.set(undefined)
      if (tokens) await anonymous.request('POST /v1/auth/logout', { body: { refreshToken: tokens.refreshToken } })
    },
    /** Settings of the installation, and of its sign-in. They need no token. */
    config: () => anonymous.request('GET /v1/config'),
    authConfig: () => anonymous.request('GET /v1/auth/config'),
    /** Calls any operation of the API: `request('GET /v1/customers/{key}', { path: { key } })`. */
    request: core.request,
    /** Calls an operation whose response is a file. */
    download: core.download,
  }
}
