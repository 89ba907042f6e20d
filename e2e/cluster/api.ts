import { eventually } from '@clientele/platform/testing/wait'
import { secretValue } from './cluster.ts'

/** The gateway's NodePort, which stays the same while pods are replaced. */
export const gateway = process.env['CLUSTER_GATEWAY_URL'] ?? 'http://127.0.0.1:30080'

const json = { 'content-type': 'application/json' }
const timeoutMs = 40_000

/** Sends a request and reads the body of the response. @throws Error if there is no response within 40 s */
export const call = async (method: string, path: string, init: RequestInit = {}) => {
  const response = await fetch(`${gateway}${path}`, { method, ...init, signal: AbortSignal.timeout(timeoutMs) })
  const text = await response.text()
  return { status: response.status, text, headers: response.headers }
}

const account = async () => ({
  username: await secretValue('clientele-test-account', 'username'),
  password: await secretValue('clientele-test-account', 'password'),
})

/** Creates the account that `helm test` signs in with. */
export const signUp = async (): Promise<void> => {
  const user = { ...(await account()), email: 'tester@example.com', name: 'Test', surname: 'Account' }
  const { status, text } = await call('POST', '/v1/auth/signup', { headers: json, body: JSON.stringify(user) })
  if (status !== 202) throw new Error(`sign-up returned ${status}: ${text}`)
  await eventually(signIn, { timeoutMs: 30_000, everyMs: 500 })
}

/** An access token of that account. */
export const signIn = async (): Promise<string> => {
  const { status, text } = await call('POST', '/v1/auth/login', {
    headers: json,
    body: JSON.stringify(await account()),
  })
  if (status !== 200) throw new Error(`sign-in returned ${status}: ${text}`)
  return (JSON.parse(text) as { accessToken: string }).accessToken
}

/** The headers and the JSON body of an authenticated request. */
export const authorized = (token: string, body?: object): RequestInit => ({
  headers: { authorization: `Bearer ${token}`, ...(body && json) },
  ...(body && { body: JSON.stringify(body) }),
})
