import { setTimeout as pause } from 'node:timers/promises'
import { demoAccounts } from '../backing/realm.ts'

const timeoutMs = 60_000

/** A client of the public API, signed in as the demo user. */
export type DemoClient = Awaited<ReturnType<typeof demoClient>>

type DemoResponse = { status: number; ok: boolean; replayed: boolean; text: string }

/** Retries 429, 502 and 503: services that have just started may still be busy. */
const sendWithRetry = async (request: () => Promise<Response>): Promise<Response> => {
  for (let attempt = 1; ; attempt += 1) {
    const response = await request()
    if ((response.status !== 502 && response.status !== 503 && response.status !== 429) || attempt === 8)
      return response
    await response.body?.cancel()
    await pause(attempt * 300)
  }
}

/** Signs the demo user in. */
export const demoClient = async (gatewayUrl: string) => {
  const send = async (method: string, path: string, headers: Record<string, string>, body?: FormData | string) => {
    const request = { method, headers, ...(body !== undefined && { body }) }
    const response = await sendWithRetry(() =>
      fetch(`${gatewayUrl}${path}`, { ...request, signal: AbortSignal.timeout(timeoutMs) }),
    )
    const replayed = response.headers.get('idempotency-replayed') === 'true'
    const demoResponse: DemoResponse = {
      status: response.status,
      ok: response.ok,
      replayed,
      text: await response.text(),
    }
    return demoResponse
  }
  const json = { 'content-type': 'application/json' }
  const account = demoAccounts.find(({ role }) => role === 'user')
  const credentials = JSON.stringify({ username: account?.username, password: account?.password })
  const signedIn = await send('POST', '/v1/auth/login', json, credentials)
  if (!signedIn.ok) throw new Error(`the demo user cannot sign in: ${signedIn.status} ${signedIn.text}`)
  const { accessToken } = JSON.parse(signedIn.text) as { accessToken: string }
  const authorization = { authorization: `Bearer ${accessToken}` }

  return {
    /** @throws Error for a status other than 2xx */
    get: async <T>(path: string): Promise<T> => {
      const { ok, status, text } = await send('GET', path, authorization)
      if (!ok) throw new Error(`GET ${path}: ${status} ${text.slice(0, 300)}`)
      return JSON.parse(text) as T
    },
    /** `key` is the idempotency key: a repeated request counts once. */
    post: (path: string, key: string, body?: FormData | object): Promise<DemoResponse> => {
      const headers = { ...authorization, 'idempotency-key': key }
      if (body === undefined || body instanceof FormData) return send('POST', path, headers, body)
      return send('POST', path, { ...headers, ...json }, JSON.stringify(body))
    },
  }
}
