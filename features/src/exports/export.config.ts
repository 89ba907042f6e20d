import { integer } from '@clientele/platform/runtime/config'

/** What a service with exports needs besides jobs. */
export const exportConfig = {
  /** How long one export may take. Its snapshot keeps PostgreSQL from removing dead rows meanwhile. */
  exportMaxSeconds: integer(10, 86_400).default(1_800),
}
