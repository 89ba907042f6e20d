import { setTimeout as pause } from 'node:timers/promises'
import { demoAccounts } from '../backing/realm.ts'

const timeoutMs = 60_000

/** The public API as the demo user. */
export type DemoClient = Awaited<ReturnType<typeof demoClient>>

type Answer = { status: number; ok: boolean; replayed: boolean; text: string }

/** Services that have only just come up may still be busy. */
const patiently = async (ask: () => Promise<Response>): Promise<Response> => {
  for (let attempt = 1; ; attempt += 1) {
    const response = await ask()
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
    const response = await patiently(() =>
      fetch(`${gatewayUrl}${path}`, { ...request, signal: AbortSignal.timeout(timeoutMs) }),
    )
    const replayed = response.headers.get('idempotency-replayed') === 'true'
    const answer: Answer = { status: response.status, ok: response.ok, replayed, text: await response.text() }
    return answer
  }
  const json = { 'content-type': 'application/json' }
  const account = demoAccounts.find(({ role }) => role === 'user')
  const credentials = JSON.stringify({ username: account?.username, password: account?.password })
  const signedIn = await send('POST', '/v1/auth/login', json, credentials)
  if (!signedIn.ok) throw new Error(`the demo account cannot sign in: ${signedIn.status} ${signedIn.text}`)
  const { accessToken } = JSON.parse(signedIn.text) as { accessToken: string }
  const authorization = { authorization: `Bearer ${accessToken}` }

  return {
    /** @throws Error where the answer is no success */
    get: async <T>(path: string): Promise<T> => {
      const { ok, status, text } = await send('GET', path, authorization)
      if (!ok) throw new Error(`GET ${path}: ${status} ${text.slice(0, 300)}`)
      return JSON.parse(text) as T
    },
    /** A POST that is done once however often it is sent. */
    post: (path: string, key: string, body?: FormData | object): Promise<Answer> => {
      const headers = { ...authorization, 'idempotency-key': key }
      if (body === undefined || body instanceof FormData) return send('POST', path, headers, body)
      return send('POST', path, { ...headers, ...json }, JSON.stringify(body))
    },
  }
}
