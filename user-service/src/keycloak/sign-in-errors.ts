import type { AdminApi } from './admin-api.ts'
import { toProblem } from './keycloak-error.ts'

export type SignInErrors = ReturnType<typeof createSignInErrors>

/** Reads from Keycloak's user log why it refused a sign-in. Its response is the same for every reason. */
export const createSignInErrors = (api: AdminApi) => ({
  /**
   * Whether Keycloak refused the user's last failed sign-in without a look at the password: because it still recorded another
   * sign-in of the account, or because the account is locked. @throws Problem 503 when Keycloak is unavailable
   */
  wasPasswordIgnored: async (userId: string): Promise<boolean> => {
    const query = { realm: api.realm, type: ['LOGIN_ERROR' as const], user: userId, max: 1 }
    const [newest] = await api
      .call((client) => client.realms.findEvents(query as never))
      .catch((error: unknown) => {
        throw toProblem(error)
      })
    return newest?.error === 'user_temporarily_disabled'
  },
})
