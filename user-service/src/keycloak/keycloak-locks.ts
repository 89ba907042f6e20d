import type { AdminApi } from './admin-api.ts'
import { toProblem } from './keycloak-error.ts'

type Counts = { numFailures?: number; numSecondaryAuthFailures?: number; disabled?: boolean }
type Status = { isLocked: boolean; failures: number; codeFailures: number }

export type KeycloakLocks = ReturnType<typeof createKeycloakLocks>

/** Reads and lifts the locks of Keycloak's brute-force detection. */
export const createKeycloakLocks = (api: AdminApi) => {
  /** All zero for an unknown user. `codeFailures`: of the failures, those in which the password was right. */
  const status = async (id: string): Promise<Status> => {
    const found = await api
      .call((client) => client.attackDetection.findOne({ id }))
      .catch((error: unknown) => {
        throw toProblem(error)
      })
    const { disabled = false, numFailures = 0, numSecondaryAuthFailures = 0 } = (found ?? {}) as Counts
    return { isLocked: disabled, failures: numFailures, codeFailures: numSecondaryAuthFailures }
  }

  return {
    status,
    /** Lifts a lock, and forgets the failures. */
    lift: async (id: string): Promise<void> => {
      const { isLocked, failures } = await status(id)
      if (!isLocked && failures === 0) return
      await api
        .call((client) => client.attackDetection.del({ id }))
        .catch((error: unknown) => {
          throw toProblem(error)
        })
    },
  }
}
