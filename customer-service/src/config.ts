import { commaList, loadConfig, serviceConfig } from '@clientele/platform/config'
import { databaseConfig } from '@clientele/platform/database-config'
import { exportConfig } from '@clientele/platform/export-config'
import { importConfig } from '@clientele/platform/import-config'
import { photoConfig } from '@clientele/platform/photo-config'
import { getCountries, isSupportedCountry } from 'libphonenumber-js'
import { z } from 'zod'

/** The fields that a deployment may require of a customer. */
const requirableFields = ['name', 'surname', 'email', 'phone'] as const
export type RequirableField = (typeof requirableFields)[number]

export const configShape = {
  ...serviceConfig,
  ...databaseConfig,
  ...photoConfig,
  ...importConfig,
  ...exportConfig,
  customerRequiredFields: commaList.pipe(z.array(z.enum(requirableFields))).default(['name', 'surname']),
  /** The country of telephone numbers without `+`. */
  defaultCountry: z
    .string()
    .refine(isSupportedCountry, `must be one of the ${getCountries().length} ISO 3166-1 alpha-2 codes, such as KE`)
    .optional(),
}
export type CustomerConfig = z.infer<z.ZodObject<typeof configShape>>

export const config = (): CustomerConfig => loadConfig(configShape)
