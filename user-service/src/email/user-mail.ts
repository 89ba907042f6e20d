import { Problem } from '@clientele/platform/runtime/problem'
import type { KeycloakUsers } from '../keycloak/keycloak-users.ts'

type MailConfig = { smtpConfigured: boolean; consoleClientId: string; publicUrl: string }

// The text in realm.json takes a link of at most an hour for one that the user asked for, and others for an administrator's.
const ownResetSeconds = 3_600
const adminResetSeconds = 12 * 3_600
const inviteSeconds = 7 * 86_400

export type UserMail = ReturnType<typeof createUserMail>

/** Makes Keycloak send mails. Their links lead to Keycloak, and from there back to the console. */
export const createUserMail = (
  keycloakUsers: KeycloakUsers,
  { smtpConfigured, consoleClientId, publicUrl }: MailConfig,
) => {
  const link = { clientId: consoleClientId, redirectUri: `${publicUrl}/` }
  const send = async (id: string, actions: string[], lifespan: number, detail: string): Promise<void> => {
    if (!smtpConfigured) throw new Problem('invalid_state', { detail: 'this installation cannot send mail' })
    await keycloakUsers.sendActionsEmail(id, actions, { ...link, lifespan }).catch((cause: unknown) => {
      throw new Problem('unavailable', { detail, headers: { 'Retry-After': '30' }, extra: { userId: id }, cause })
    })
  }
  return {
    available: smtpConfigured,
    sendInvite: (id: string) =>
      send(
        id,
        ['UPDATE_PASSWORD', 'VERIFY_EMAIL'],
        inviteSeconds,
        'the user was created, but the invitation could not be mailed; POST /v1/users/{userId}/password-reset sends another mail',
      ),
    sendReset: (id: string) => send(id, ['UPDATE_PASSWORD'], adminResetSeconds, 'the mail could not be sent'),
    sendVerification: (id: string) => keycloakUsers.sendVerificationEmail(id, link),
    /** For the mail queue, at the request of the user: rejects with the problem of Keycloak's response. */
    sendQueuedReset: (id: string) =>
      keycloakUsers.sendActionsEmail(id, ['UPDATE_PASSWORD'], { ...link, lifespan: ownResetSeconds }),
  }
}
