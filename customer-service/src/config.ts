import { commaList, databaseConfig, httpUrl, integer, loadConfig, serviceConfig } from '@clientele/platform/config'
import { getCountries, isSupportedCountry } from 'libphonenumber-js'
import { z } from 'zod'

/** The fields that a deployment may require of a customer. */
const requirableFields = ['name', 'surname', 'email', 'phone'] as const
export type RequirableField = (typeof requirableFields)[number]

export const configShape = {
  ...serviceConfig,
  ...databaseConfig,
  /** The gateway's address as browsers know it: links to photos begin with it; without it they are paths. */
  publicUrl: httpUrl.optional(),
  /** Photos pass through here, and over slow lines they take longer than other requests. */
  requestTimeoutMs: integer(100, 600_000).default(120_000),
  mediaServiceUrl: httpUrl,
  /** How long a media upload may take, sending and cleaning included. */
  mediaTimeoutMs: integer(100, 600_000).default(120_000),
  /** The key that media links are signed with; media-service has the same. */
  mediaSigningKey: z.string().min(32, 'must have at least 32 characters'),
  mediaLinkTtlSeconds: integer(60, 604_800).default(3_600),
  customerRequiredFields: commaList.pipe(z.array(z.enum(requirableFields))).default(['name', 'surname']),
  /** The country of telephone numbers without `+`. */
  defaultCountry: z
    .string()
    .refine(isSupportedCountry, `must be one of the ${getCountries().length} ISO 3166-1 alpha-2 codes, such as KE`)
    .optional(),
}
export type CustomerConfig = z.infer<z.ZodObject<typeof configShape>>

export const config = (): CustomerConfig => loadConfig(configShape)
