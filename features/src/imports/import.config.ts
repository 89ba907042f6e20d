import { integer } from '@clientele/platform/runtime/config'
import type { z } from 'zod'
import { jobConfig } from '../jobs/job.config.ts'

/** What a service needs that imports files; sizes are bytes. */
export const importConfig = {
  ...jobConfig,
  /** Files come through here, and over slow lines they take longer than other requests. */
  requestTimeoutMs: integer(100, 3_600_000).default(300_000),
  /** Largest file, also after decompression. */
  importMaxBytes: integer(1_024, 10_000_000_000).default(500_000_000),
  /** Most rows of a file. */
  importMaxRows: integer(1, 100_000_000).default(5_000_000),
  /** Files that one replica receives at the same time. */
  importMaxUploads: integer(1, 100).default(4),
  /** Events of imports that one replica sends in a second, at most. */
  importEventsPerSecond: integer(50, 100_000).default(500),
}
export type ImportConfig = z.infer<z.ZodObject<typeof importConfig>>
