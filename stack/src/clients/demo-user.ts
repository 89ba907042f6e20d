import { setTimeout as pause } from 'node:timers/promises'
import { type Clientele, ClienteleError, createClient } from '@clientele/client'
import { demoAccounts } from '../backing/realm.ts'

const maxAttempts = 8
const account = demoAccounts.find(({ role }) => role === 'user')

/** The credentials of the demo user. */
export const demoCredentials = { username: account?.username ?? '', password: account?.password ?? '' }

/**
 * Signs the demo user in. Services that have just started may still be busy, so requests are repeated more often than by default,
 * and so is the sign-in.
 * @throws ClienteleError
 */
export const signInAsDemoUser = async (gatewayUrl: string): Promise<Clientele> => {
  const clientele = createClient({ baseUrl: gatewayUrl, timeoutMs: 60_000, maxRetries: maxAttempts })
  for (let attempt = 1; ; attempt += 1) {
    try {
      await clientele.signIn(demoCredentials)
      return clientele
    } catch (error) {
      const mayPass = error instanceof ClienteleError && [0, 429, 502, 503].includes(error.status)
      if (!mayPass || attempt === maxAttempts) throw error
      await pause(attempt * 300)
    }
  }
}
