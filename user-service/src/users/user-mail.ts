import { Problem } from '@clientele/platform/runtime/problem'
import type { People } from '../keycloak/people.ts'

type MailConfig = { smtpConfigured: boolean; consoleClientId: string; publicUrl: string }

const resetSeconds = 3_600
const inviteSeconds = 7 * 86_400

export type UserMail = ReturnType<typeof createUserMail>

/** Mails that Keycloak writes and sends, while a person waits; the links lead to Keycloak and from there back to us. */
export const createUserMail = (people: People, { smtpConfigured, consoleClientId, publicUrl }: MailConfig) => {
  const back = { clientId: consoleClientId, redirectUri: `${publicUrl}/` }
  const send = async (id: string, actions: string[], lifespan: number, detail: string): Promise<void> => {
    if (!smtpConfigured) throw new Problem('invalid_state', { detail: 'this installation cannot send mail' })
    await people.mailActions(id, actions, { ...back, lifespan }).catch((cause: unknown) => {
      throw new Problem('unavailable', { detail, headers: { 'Retry-After': '30' }, extra: { userId: id }, cause })
    })
  }
  return {
    available: smtpConfigured,
    invite: (id: string) =>
      send(
        id,
        ['UPDATE_PASSWORD', 'VERIFY_EMAIL'],
        inviteSeconds,
        'the user was created, but the invitation could not be mailed; POST /v1/users/{userId}/password-reset sends another mail',
      ),
    reset: (id: string) => send(id, ['UPDATE_PASSWORD'], resetSeconds, 'the mail could not be sent'),
    verify: (id: string) => people.mailVerification(id, back),
    /** Without a person who waits: failures go to the caller as they are. */
    resetQuietly: (id: string) => people.mailActions(id, ['UPDATE_PASSWORD'], { ...back, lifespan: resetSeconds }),
  }
}
