import { eventually } from '@clientele/platform/testing/wait'
import { secretValue } from './cluster.ts'

/** The gateway's NodePort: it stays where it is while the pods behind it go. */
export const gateway = process.env['CLUSTER_GATEWAY_URL'] ?? 'http://127.0.0.1:30080'

const json = { 'content-type': 'application/json' }
const timeoutMs = 40_000

/** One request; the answer's body is read. @throws where no answer comes */
export const call = async (method: string, path: string, init: RequestInit = {}) => {
  const response = await fetch(`${gateway}${path}`, { method, ...init, signal: AbortSignal.timeout(timeoutMs) })
  const text = await response.text()
  return { status: response.status, text, headers: response.headers }
}

const account = async () => ({
  username: await secretValue('clientele-test-account', 'username'),
  password: await secretValue('clientele-test-account', 'password'),
})

/** Makes the account that `helm test` signs in with. */
export const signUp = async (): Promise<void> => {
  const person = { ...(await account()), email: 'tester@example.com', name: 'Test', surname: 'Account' }
  const { status, text } = await call('POST', '/v1/auth/signup', { headers: json, body: JSON.stringify(person) })
  if (status !== 202) throw new Error(`the sign-up was answered by ${status}: ${text}`)
  await eventually(signIn, { timeoutMs: 30_000, everyMs: 500 })
}

/** An access token of that account. */
export const signIn = async (): Promise<string> => {
  const { status, text } = await call('POST', '/v1/auth/login', {
    headers: json,
    body: JSON.stringify(await account()),
  })
  if (status !== 200) throw new Error(`the sign-in was answered by ${status}: ${text}`)
  return (JSON.parse(text) as { accessToken: string }).accessToken
}

export const as = (token: string, body?: object): RequestInit => ({
  headers: { authorization: `Bearer ${token}`, ...(body && json) },
  ...(body && { body: JSON.stringify(body) }),
})
