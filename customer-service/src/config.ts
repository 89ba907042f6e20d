import { exportConfig } from '@clientele/features/exports/export.config'
import { importConfig } from '@clientele/features/imports/import.config'
import { photoConfig } from '@clientele/features/photos/photo.config'
import { databaseConfig } from '@clientele/platform/data/database-config'
import { commaList, loadConfig, serviceConfig } from '@clientele/platform/runtime/config'
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
