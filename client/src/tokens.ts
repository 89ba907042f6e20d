import type { Tokens as IssuedTokens } from './generated/api.ts'
import { signalWithin } from './wait.ts'

/** Tokens of a sign-in with a password. `expiresAt` is the time in milliseconds at which the access token expires. */
export type StoredTokens = { accessToken: string; refreshToken: string; expiresAt: number }

/** Where the tokens of a sign-in with a password are. Its functions may be asynchronous. */
export type TokenStore = {
  get(): StoredTokens | undefined | Promise<StoredTokens | undefined>
  set(tokens: StoredTokens | undefined): void | Promise<void>
}

/**
 * Returns an access token, or undefined if nobody is signed in. `renew` is true after the API has refused the last one: then the
 * token must be a new one.
 */
export type GetToken = (request: { renew: boolean }) => string | undefined | Promise<string | undefined>

/** Keeps the tokens in memory, so that a reload of the page forgets them. */
export const memoryStore = (): TokenStore => {
  let kept: StoredTokens | undefined
  return {
    get: () => kept,
    set: (tokens) => {
      kept = tokens
    },
  }
}

export const storedTokens = ({ accessToken, refreshToken, expiresIn }: IssuedTokens): StoredTokens => ({
  accessToken,
  refreshToken,
  expiresAt: Date.now() + expiresIn * 1_000,
})

type Locks = { request<T>(name: string, options: { signal: AbortSignal }, run: () => Promise<T>): Promise<T> }

const lockTimeoutMs = 60_000

/** Runs one function at a time under this name, in all tabs of a browser. */
const withLock = <T>(name: string, run: () => Promise<T>): Promise<T> => {
  const { locks } = (globalThis as { navigator?: { locks?: Locks } }).navigator ?? {}
  return locks ? locks.request(name, { signal: signalWithin(lockTimeoutMs) }, run) : run()
}

// A request with a token that expires on its way would be refused.
const marginMs = 30_000

/** The access token of the requests. It is renewed once at a time, whoever asks. */
export type TokenSource = {
  /** The present token; a new one if it is about to expire. */
  current(): Promise<string | undefined>
  /** A token other than the refused one. */
  renew(refused: string | undefined): Promise<string | undefined>
}

const renewOnce = (
  name: string,
  read: () => Promise<string | undefined>,
  renew: () => Promise<string | undefined>,
): TokenSource['renew'] => {
  let renewing: Promise<string | undefined> | undefined
  return (refused) => {
    renewing ??= withLock(name, async () => {
      const token = await read()
      // Another tab has renewed it meanwhile, or somebody else has signed in.
      return token === refused ? renew() : token
    }).finally(() => {
      renewing = undefined
    })
    return renewing
  }
}

/** Tokens that the application gets by itself. */
export const providedTokens = (name: string, getToken: GetToken): TokenSource => {
  const read = async () => getToken({ renew: false })
  return { current: read, renew: renewOnce(name, read, async () => getToken({ renew: true })) }
}

/** Tokens of a sign-in with a password. `refresh` returns undefined if the session has ended. */
export const passwordTokens = (
  name: string,
  store: TokenStore,
  refresh: (refreshToken: string) => Promise<IssuedTokens | undefined>,
): TokenSource => {
  const read = async () => (await store.get())?.accessToken
  const renew = renewOnce(name, read, async () => {
    const tokens = await store.get()
    if (!tokens) return undefined
    const issued = await refresh(tokens.refreshToken)
    const latest = await store.get()
    if (latest?.refreshToken !== tokens.refreshToken) return latest?.accessToken // signed out or in meanwhile
    await store.set(issued && storedTokens(issued))
    return issued?.accessToken
  })
  return {
    renew,
    current: async () => {
      const tokens = await store.get()
      if (!tokens) return undefined
      return tokens.expiresAt - marginMs > Date.now() ? tokens.accessToken : renew(tokens.accessToken)
    },
  }
}
