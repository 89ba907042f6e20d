import { integer } from '@clientele/platform/runtime/config'
import type { z } from 'zod'
import { jobConfig } from '../jobs/job.config.ts'

/** Settings of a service with imports. */
export const importConfig = {
  ...jobConfig,
  /** Timeout of a request. It is long, because large files may arrive on slow connections. */
  requestTimeoutMs: integer(100, 3_600_000).default(300_000),
  /** Maximum size of a file in bytes, also after decompression. */
  importMaxBytes: integer(1_024, 10_000_000_000).default(500_000_000),
  /** Maximum number of rows of a file. */
  importMaxRows: integer(1, 100_000_000).default(5_000_000),
  /** Maximum number of files that one replica receives at the same time. */
  importMaxUploads: integer(1, 100).default(4),
  /** Maximum number of import events that one replica publishes per second. */
  importEventsPerSecond: integer(50, 100_000).default(500),
}
export type ImportConfig = z.infer<z.ZodObject<typeof importConfig>>
