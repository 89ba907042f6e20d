import { z } from 'zod'
import { integer } from '../runtime/config.ts'
import { databaseUrl, sslModes } from './database-url.ts'

/** Settings of a process with a database, in addition to those of every process. Times are in milliseconds. */
export const databaseConfig = {
  databaseUrl,
  databasePoolMax: integer(1, 200).default(10),
  statementTimeoutMs: integer(100, 600_000).default(10_000),
  pgsslmode: z.enum(sslModes).optional().describe('sslmode for a URL without one; read by pg itself'),
}
export type DatabaseConfig = z.infer<z.ZodObject<typeof databaseConfig>>
