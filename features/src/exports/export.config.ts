import { integer } from '@clientele/platform/runtime/config'

/** Settings of a service with exports, in addition to those of jobs. */
export const exportConfig = {
  /** Maximum duration of an export. PostgreSQL cannot vacuum dead rows while a snapshot may still need them. */
  exportMaxSeconds: integer(10, 86_400).default(1_800),
  /** Maximum number of exports that one user starts in a day, in one process. */
  exportsPerDay: integer(1, 1_000_000).default(100),
}
